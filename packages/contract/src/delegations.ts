import Type, { type Static } from 'typebox'
import { NullableTimestamp, Text, Timestamp, Uuid } from './fields.ts'

// Jobs of GitHub Actions that are delegated to ephemeral containers (`/api/jobs`). Source:
// GitHub-RunnerHub API Reference; fields that it does not have are ours and come beside its own.

/** queued → assigned → running → completed | failed | cancelled; only forward. */
export const DelegationStatus = Type.Enum([
  'queued',
  'assigned',
  'running',
  'completed',
  'failed',
  'cancelled',
])
export type DelegationStatus = Static<typeof DelegationStatus>

const NullableText = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })

/** What every answer of the family says of itself. */
export const AnswerMetadata = Type.Object({
  timestamp: Timestamp,
  version: Type.String({ description: 'Version of the server.' }),
})

/** Asks for an ephemeral container for a job. Repeating it for one attempt of a job is harmless. */
export const DelegateJobRequest = Type.Object(
  {
    jobId: Type.Unsafe<string>({
      ...Text({ minLength: 1, maxLength: 200 }),
      description: 'GitHub’s id of the job, or its key in the workflow.',
    }),
    runId: Text({ minLength: 1, maxLength: 40, description: 'GitHub’s id of the run.' }),
    runAttempt: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1 })),
    repository: Text({ minLength: 1, maxLength: 140, description: 'owner/repo' }),
    workflow: Type.Optional(Text({ maxLength: 500 })),
    runnerName: Type.Optional(Text({ minLength: 1, maxLength: 200, description: 'The proxy.' })),
    sha: Type.Optional(Text({ maxLength: 64 })),
    ref: Type.Optional(Text({ maxLength: 500 })),
    eventName: Type.Optional(Text({ maxLength: 100 })),
    actor: Type.Optional(Text({ maxLength: 200 })),
    labels: Type.Optional(
      Type.Array(Text({ minLength: 1, maxLength: 200 }), {
        maxItems: 32,
        description: 'What the job runs on; they decide its runner class.',
      }),
    ),
  },
  { $id: 'DelegateJobRequest', additionalProperties: false },
)
export type DelegateJobRequest = Static<typeof DelegateJobRequest>

/** A delegated job. */
export const DelegatedJob = Type.Object(
  {
    id: Uuid,
    githubJobId: Type.Unsafe<number | null>({ type: ['integer', 'null'] }),
    jobId: NullableText('Key or name of the job in its workflow.'),
    runId: Type.String(),
    runAttempt: Type.Integer({ minimum: 1 }),
    repository: Type.String(),
    workflow: NullableText('Name of the workflow.'),
    runnerName: NullableText('The proxy that asked for it.'),
    status: DelegationStatus,
    runnerId: NullableText('The ephemeral runner.'),
    containerId: NullableText('Its container.'),
    labels: Type.Array(Type.String()),
    sha: NullableText('Commit.'),
    ref: NullableText('Branch or tag.'),
    eventName: NullableText('What began the run.'),
    actor: NullableText('Who began it.'),
    exitCode: Type.Unsafe<number | null>({ type: ['integer', 'null'] }),
    startedAt: NullableTimestamp,
    completedAt: NullableTimestamp,
    metadata: Type.Object({
      delegatedAt: Timestamp,
      proxyRunner: NullableText('The proxy that asked for it.'),
      source: Type.Enum(['queue', 'proxy', 'api']),
      runnerClass: NullableText('The class that serves it.'),
      reason: NullableText('Why it waits, or ended as it did.'),
      queuedAt: Timestamp,
      assignedAt: NullableTimestamp,
      queueMs: Type.Unsafe<number | null>({
        type: ['integer', 'null'],
        description: 'Milliseconds from GitHub’s queue to a running container.',
      }),
      proxyStatus: NullableText('What the proxy said of the end.'),
      attempt: Type.Integer({ description: 'Containers begun.' }),
    }),
  },
  { $id: 'DelegatedJob' },
)
export type DelegatedJob = Static<typeof DelegatedJob>
