import Type, { type Static, type TSchema } from 'typebox'
import { BuildFailureReason, BuildStepKey, BuildStepStatus } from './builds.ts'
import { IntegerId } from './credentials.ts'
import { DelegationStatus } from './delegations.ts'
import { AliasType, ReleaseTriggerType } from './releases.ts'
import { PhaseStatus, WorkStatus } from './runs.ts'
import { PipelineStatus } from './pipelines.ts'
import { Cursor, RepositoryName, Timestamp, Uuid } from './fields.ts'

// Source of the envelope and of run.created, run.completed, run.failed, release.created,
// deployment.created and deployment.completed (with a few fields more than documented):
// API & Operations Reference, "Event Schemas". The others are ours, in the same envelope.

const event = <Name extends string, Data extends TSchema>(name: Name, data: Data) =>
  Type.Object({ event_type: Type.Literal(name), timestamp: Timestamp, data }, { $id: name })

const run = { run_id: Uuid, repository: Type.String(), commit_sha: Type.String() }

export const RunCreatedEvent = event(
  'pipeline.run.created',
  Type.Object({
    run_id: Uuid,
    repository: Type.String(),
    branch: Type.String(),
    commit_sha: Type.String(),
    triggered_by: Type.String(),
  }),
)

/** Discovery is done and the phases are known. */
export const RunStartedEvent = event('pipeline.run.started', Type.Object(run))

export const RunCompletedEvent = event(
  'pipeline.run.completed',
  Type.Object({
    ...run,
    status: Type.Enum(['success', 'failed']),
    duration_seconds: Type.Integer({ minimum: 0, description: 'Whole seconds.' }),
  }),
)

/** Follows `pipeline.run.completed` of a failed run. `failed_phase` is "discovery" before any phase. */
export const RunFailedEvent = event(
  'pipeline.run.failed',
  Type.Object({ ...run, failed_phase: Type.String(), error_message: Type.String() }),
)

export const RunCancelledEvent = event(
  'pipeline.run.cancelled',
  Type.Object({ ...run, cancelled_by: Type.String() }),
)

export const PhaseUpdatedEvent = event(
  'pipeline.phase.updated',
  Type.Object({
    run_id: Uuid,
    repository: Type.String(),
    phase_id: Uuid,
    phase: Type.String(),
    group_number: Type.Integer(),
    status: PhaseStatus,
  }),
)

export const TaskUpdatedEvent = event(
  'pipeline.task.updated',
  Type.Object({
    run_id: Uuid,
    repository: Type.String(),
    phase: Type.String(),
    task_id: Uuid,
    project: Type.String(),
    status: WorkStatus,
    attempt: Type.Integer(),
  }),
)

export const StepUpdatedEvent = event(
  'pipeline.step.updated',
  Type.Object({
    run_id: Uuid,
    repository: Type.String(),
    phase: Type.String(),
    project: Type.String(),
    task_id: Uuid,
    step_id: Uuid,
    step: Type.String(),
    status: WorkStatus,
    exit_code: Type.Union([Type.Integer(), Type.Null()]),
  }),
)

const release = {
  release_id: Uuid,
  repository: Type.String(),
  project: Type.String(),
  commit_sha: Type.String(),
  release_number: Type.Integer({ minimum: 1 }),
}

export const ReleaseCreatedEvent = event(
  'release.created',
  Type.Object({ ...release, trigger_type: ReleaseTriggerType }),
)

/** A release got another name: a tag on a commit that was released already, or a custom alias. */
export const ReleaseAliasedEvent = event(
  'release.aliased',
  Type.Object({ ...release, alias: Type.String(), alias_type: AliasType }),
)

/** A release lost a name of somebody's own: it was deleted, or names another release now. */
export const ReleaseUnaliasedEvent = event(
  'release.unaliased',
  Type.Object({ ...release, alias: Type.String(), alias_type: AliasType }),
)

const approval = {
  approval_id: Uuid,
  release_id: Uuid,
  repository: Type.String(),
  project: Type.String(),
  environment: Type.String(),
}

export const ApprovalCreatedEvent = event(
  'approval.created',
  Type.Object({ ...approval, approver: Type.String(), expires_at: Timestamp }),
)

export const ApprovalRevokedEvent = event(
  'approval.revoked',
  Type.Object({ ...approval, revoked_by: Type.String() }),
)

const deployment = {
  deployment_id: Uuid,
  release_id: Uuid,
  environment: Type.String(),
  repository: Type.String(),
  project: Type.String(),
  release_number: Type.Integer({ minimum: 1 }),
}

export const DeploymentCreatedEvent = event(
  'deployment.created',
  Type.Object({
    ...deployment,
    deployed_by: Type.String(),
    gitops_commit_sha: Type.String(),
  }),
)

export const DeploymentCompletedEvent = event(
  'deployment.completed',
  Type.Object({
    ...deployment,
    status: Type.Literal('active'),
    reconciliation_duration_seconds: Type.Integer({
      minimum: 0,
      description: 'Whole seconds from the commit.',
    }),
  }),
)

/** It was not reconciled in time, or its reconciler says that it can't be; it stays pending. */
export const DeploymentFailedEvent = event(
  'deployment.failed',
  Type.Object({ ...deployment, reason: Type.String() }),
)

/** Another deployment took its place. */
export const DeploymentSupersededEvent = event(
  'deployment.superseded',
  Type.Object({ ...deployment, superseded_by: Uuid }),
)

/** The server turned it off: its target is gone, or nothing has arrived there for too long. */
export const WebhookDisabledEvent = event(
  'webhook.disabled',
  Type.Object({ webhook_id: Uuid, reason: Type.String() }),
)

const workflowRun = {
  repository: Type.String(),
  workflow: Type.String(),
  branch: Type.String({ description: 'Empty where GitHub has none.' }),
  commit_sha: Type.String(),
  workflow_run_id: Type.Integer({ description: 'GitHub’s id.' }),
  attempt: Type.Integer({ minimum: 1 }),
  actor: Type.String(),
  url: Type.String(),
}
const workflowEnd = {
  ...workflowRun,
  conclusion: Type.Union([Type.String(), Type.Null()], { description: 'GitHub’s word.' }),
  duration_seconds: Type.Integer({ minimum: 0, description: 'Whole seconds.' }),
}

/** An attempt of a GitHub Actions run was heard of before its end. */
export const WorkflowRunStartedEvent = event('workflow.run.started', Type.Object(workflowRun))

export const WorkflowRunCompletedEvent = event(
  'workflow.run.completed',
  Type.Object({ ...workflowEnd, status: Type.Literal('success') }),
)

/** Also one that was cancelled. `failed_step` is null where no step is known to have failed. */
export const WorkflowRunFailedEvent = event(
  'workflow.run.failed',
  Type.Object({
    ...workflowEnd,
    status: Type.Literal('failure'),
    error: Type.String(),
    failed_step: Type.Union([Type.String(), Type.Null()]),
  }),
)

/** A job of a GitHub Actions run, or a step of it, is in another state; `steps` are those that changed. */
export const WorkflowJobUpdatedEvent = event(
  'workflow.job.updated',
  Type.Object({
    repository: Type.String(),
    workflow_run_id: Type.Integer({ description: 'GitHub’s id.' }),
    attempt: Type.Integer({ minimum: 1 }),
    job_id: Type.Integer({ description: 'GitHub’s id.' }),
    job: Type.String(),
    status: PipelineStatus,
    conclusion: Type.Union([Type.String(), Type.Null()]),
    steps: Type.Array(
      Type.Object({
        number: Type.Integer(),
        name: Type.String(),
        status: Type.String({ description: 'GitHub’s word.' }),
        conclusion: Type.Union([Type.String(), Type.Null()]),
      }),
    ),
  }),
)

const build = {
  build_id: IntegerId,
  repository: Type.String(),
}

export const BuildCreatedEvent = event(
  'build.created',
  Type.Object({ ...build, steps_to_execute: Type.Array(BuildStepKey), created_by: Type.String() }),
)

/** An attempt at a build's steps has begun. */
export const BuildStartedEvent = event(
  'build.started',
  Type.Object({ ...build, attempt: Type.Integer({ minimum: 1 }) }),
)

/** A step is in another state, or has come further: at most once a second for each build. */
export const BuildStepUpdatedEvent = event(
  'build.step.updated',
  Type.Object({
    ...build,
    step: BuildStepKey,
    status: BuildStepStatus,
    progress: Type.Union([Type.Integer(), Type.Null()], { description: 'Whole percent.' }),
  }),
)

export const BuildCompletedEvent = event(
  'build.completed',
  Type.Object({
    ...build,
    status: Type.Literal('completed'),
    outputs: Type.Integer({ minimum: 0 }),
    duration_seconds: Type.Integer({ minimum: 0, description: 'Whole seconds.' }),
  }),
)

export const BuildFailedEvent = event(
  'build.failed',
  Type.Object({
    ...build,
    status: Type.Literal('failed'),
    failure_reason: BuildFailureReason,
    error: Type.String(),
  }),
)

const delegation = {
  delegation_id: Uuid,
  repository: Type.String(),
  job: Type.String({ description: 'GitHub’s id of the job, or its key.' }),
  github_run_id: Type.String(),
}

export const RunnerJobDelegatedEvent = event(
  'runner.job.delegated',
  Type.Object({ ...delegation, status: DelegationStatus, labels: Type.Array(Type.String()) }),
)

/** A delegated job is in another state. */
export const RunnerJobUpdatedEvent = event(
  'runner.job.updated',
  Type.Object({
    ...delegation,
    status: DelegationStatus,
    reason: Type.Union([Type.String(), Type.Null()]),
  }),
)

/** Every event there is, by its type. */
export const eventSchemas = {
  'pipeline.run.created': RunCreatedEvent,
  'pipeline.run.started': RunStartedEvent,
  'pipeline.run.completed': RunCompletedEvent,
  'pipeline.run.failed': RunFailedEvent,
  'pipeline.run.cancelled': RunCancelledEvent,
  'pipeline.phase.updated': PhaseUpdatedEvent,
  'pipeline.task.updated': TaskUpdatedEvent,
  'pipeline.step.updated': StepUpdatedEvent,
  'release.created': ReleaseCreatedEvent,
  'release.aliased': ReleaseAliasedEvent,
  'release.unaliased': ReleaseUnaliasedEvent,
  'approval.created': ApprovalCreatedEvent,
  'approval.revoked': ApprovalRevokedEvent,
  'deployment.created': DeploymentCreatedEvent,
  'deployment.completed': DeploymentCompletedEvent,
  'deployment.failed': DeploymentFailedEvent,
  'deployment.superseded': DeploymentSupersededEvent,
  'webhook.disabled': WebhookDisabledEvent,
  'workflow.run.started': WorkflowRunStartedEvent,
  'workflow.run.completed': WorkflowRunCompletedEvent,
  'workflow.run.failed': WorkflowRunFailedEvent,
  'workflow.job.updated': WorkflowJobUpdatedEvent,
  'build.created': BuildCreatedEvent,
  'build.started': BuildStartedEvent,
  'build.step.updated': BuildStepUpdatedEvent,
  'build.completed': BuildCompletedEvent,
  'build.failed': BuildFailedEvent,
  'runner.job.delegated': RunnerJobDelegatedEvent,
  'runner.job.updated': RunnerJobUpdatedEvent,
} as const

export type EventType = keyof typeof eventSchemas
export type SlipwayEvent = { [T in EventType]: Static<(typeof eventSchemas)[T]> }[EventType]
export type EventData<T extends EventType> = Extract<SlipwayEvent, { event_type: T }>['data']

export const eventTypes = Object.keys(eventSchemas) as EventType[]

/**
 * In a stream only, never stored: events behind the reader's cursor are no longer kept (or the
 * cursor is of another database), and the stream goes on with the event `next`.
 */
export const EventGapNote = event(
  'slipway.gap',
  Type.Object({
    after: Type.Integer({ minimum: 0, description: "The reader's cursor." }),
    next: Type.Integer({ minimum: 1, description: 'Id of the first event that can follow.' }),
  }),
)

/** Query of `GET /v1/events` (Server-Sent Events; `Last-Event-ID` wins over `after`, and that over `last`). */
export const FollowEventsQuery = Type.Object(
  {
    after: Type.Optional(
      Cursor({
        minimum: 0,
        description: 'Resume behind this event id; absent: from now on.',
      }),
    ),
    last: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        description:
          'Begin with so many of the newest events that the other parameters choose, the oldest first; ' +
          'of the newest 20,000 of all. Only without a cursor.',
      }),
    ),
    types: Type.Optional(
      Type.String({
        maxLength: 2000,
        description: 'Comma-separated event types, or prefixes ending in ".*".',
      }),
    ),
    repository: Type.Optional(RepositoryName),
    run_id: Type.Optional(Uuid),
    ticket: Type.Optional(Type.String()),
  },
  { $id: 'FollowEventsQuery', additionalProperties: false },
)
export type FollowEventsQuery = Static<typeof FollowEventsQuery>
