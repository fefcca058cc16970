import Type, { type Static } from 'typebox'
import { IntegerId } from './credentials.ts'
import { Uuid } from './fields.ts'
import { TriggerType } from './runs.ts'

/** Job types of the ledger. */
export const JobType = Type.Enum([
  'discovery',
  'task',
  'artifact',
  'release',
  'deployment',
  'build',
  'delegation',
])
export type JobType = Static<typeof JobType>

/** Where a result is kept that is larger than 1 MiB, and what the ledger has in its place. */
export const ResultReference = Type.Object(
  {
    result_reference: Type.String({
      description:
        'Key in the object store: `pipeline-runs/{run_id}/results/{job_type}/{job_id}.json`.',
    }),
    size: Type.Integer({ minimum: 0, description: 'Bytes.' }),
  },
  { $id: 'ResultReference' },
)
export type ResultReference = Static<typeof ResultReference>

/** What moves through NATS for one attempt at a job. The ledger's row decides; this only says that there is one. */
export const JobEnvelope = Type.Object(
  {
    job_id: Uuid,
    type: JobType,
    run_id: Type.Union([Uuid, Type.Null()]),
    attempt: Type.Integer({ minimum: 0, description: 'Attempts begun when it was published.' }),
    reply_to: Type.Union([Type.String(), Type.Null()], {
      description: 'Inbox of whoever dispatched it.',
    }),
    payload: Type.Optional(
      Type.Unknown({ description: 'Absent where it is larger than a message may be.' }),
    ),
  },
  { $id: 'JobEnvelope' },
)
export type JobEnvelope = Static<typeof JobEnvelope>

/** What a worker tells the inbox of a job that it has ended. */
export const JobReply = Type.Object(
  {
    job_id: Uuid,
    state: Type.Enum(['succeeded', 'failed', 'dead', 'settled'], {
      description: '`settled`: how, the ledger knows alone.',
    }),
    result: Type.Optional(Type.Unknown()),
    result_reference: Type.Optional(
      Type.String({
        description: 'Key in the object store of a result that is larger than a message may be.',
      }),
    ),
    error: Type.Union([Type.String(), Type.Null()]),
  },
  { $id: 'JobReply' },
)
export type JobReply = Static<typeof JobReply>

/** Asks a worker to read a commit's `.forge` configuration. Subject `pipeline.discovery.{run-id}`. */
export const DiscoveryJob = Type.Object(
  {
    run_id: Uuid,
    repository: Type.String(),
    branch: Type.String(),
    commit_sha: Type.String(),
  },
  { $id: 'DiscoveryJob' },
)
export type DiscoveryJob = Static<typeof DiscoveryJob>

/**
 * Asks a worker to run one project in one phase. Subject `pipeline.tasks.{run-id}.{task-id}`.
 * The steps are not in it: a worker is given those of its attempt when it begins one.
 */
export const TaskJob = Type.Object(
  {
    run_id: Uuid,
    task_id: Uuid,
    repository: Type.String(),
    branch: Type.String(),
    commit_sha: Type.String(),
    trigger_type: TriggerType,
    trusted: Type.Optional(
      Type.Literal(false, {
        description: 'The commit is of somebody from outside of the repository; else absent.',
      }),
    ),
    phase: Type.String(),
    project: Type.String(),
    project_path: Type.String({ description: 'Directory of the project; "." at the root.' }),
    timeout_ms: Type.Integer({ minimum: 1, description: 'For all steps together.' }),
    collect: Type.Optional(
      Type.Array(
        Type.Object({
          artifact: Type.String(),
          path: Type.String({ description: 'Relative to the project.' }),
        }),
        {
          description: 'What later tasks of the run want of the files that the steps leave behind.',
        },
      ),
    ),
  },
  { $id: 'TaskJob' },
)
export type TaskJob = Static<typeof TaskJob>

/**
 * Asks a worker to produce and publish one artifact. Subject `pipeline.artifacts.{run-id}.{artifact-id}`,
 * where the artifact's id is its task's. What a step left behind waits in the object store.
 */
export const ArtifactJob = Type.Object(
  { ...TaskJob.properties, artifact: Type.String({ description: 'Name of the artifact.' }) },
  { $id: 'ArtifactJob' },
)
export type ArtifactJob = Static<typeof ArtifactJob>

/** Asks a worker to release one project of a run. Subject `pipeline.releases.{run-id}`. */
export const ReleaseJob = Type.Object({ ...TaskJob.properties }, { $id: 'ReleaseJob' })
export type ReleaseJob = Static<typeof ReleaseJob>

/** Asks a worker to deploy a release unasked. Subject `pipeline.deployments.{release-id}.{environment}`. */
export const DeploymentJob = Type.Object(
  { release_id: Uuid, environment: Type.String() },
  { $id: 'DeploymentJob' },
)
export type DeploymentJob = Static<typeof DeploymentJob>

/** Asks a worker to do a build. Subject `builds.{build-id}`. It is told what to build when it begins. */
export const BuildJob = Type.Object({ build_id: IntegerId }, { $id: 'BuildJob' })
export type BuildJob = Static<typeof BuildJob>

/** Asks a worker to look after the container of a delegated job. Subject `runners.{delegation-id}`. */
export const DelegationJob = Type.Object({ delegation_id: Uuid }, { $id: 'DelegationJob' })
export type DelegationJob = Static<typeof DelegationJob>
