import Type, { type Static } from 'typebox'
import { Cursor, NullableTimestamp, RepositoryName, Text, Timestamp, Uuid } from './fields.ts'
import { Answer, PagedAnswer } from './runner-answers.ts'

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

/**
 * The container that a job's steps are run in one by one, as the hooks of a proxy runner ask for it. It
 * idles until the job is cleaned up. What is not said comes from the runner class.
 */
export const JobContainerRequest = Type.Object(
  {
    image: Type.Optional(Text({ minLength: 1, maxLength: 500 })),
    env: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[^=\\u0000\\s]{1,200}$' }),
        Text({ maxLength: 32_768 }),
        {
          maxProperties: 500,
          description: 'Nothing secret: whoever may inspect containers sees it.',
        },
      ),
    ),
    workdir: Type.Optional(Text({ minLength: 1, maxLength: 4_096, description: 'Absolute.' })),
    user: Type.Optional(Text({ minLength: 1, maxLength: 100 })),
    options: Type.Optional(
      Text({
        maxLength: 2_000,
        description:
          'Options as `docker create` has them; what is not among the harmless ones is refused by its name.',
      }),
    ),
    mounts: Type.Optional(
      Type.Array(
        Type.Object(
          {
            source: Text({ minLength: 1, maxLength: 4_096, description: 'Absolute, on the host.' }),
            target: Text({ minLength: 1, maxLength: 4_096, description: 'Absolute.' }),
            readOnly: Type.Optional(Type.Boolean({ default: false })),
          },
          { additionalProperties: false },
        ),
        {
          maxItems: 64,
          description:
            'Only below the `mounts` of the runner class, which the server must see under the same paths.',
        },
      ),
    ),
  },
  { $id: 'JobContainerRequest', additionalProperties: false },
)
export type JobContainerRequest = Static<typeof JobContainerRequest>

/** Asks for an ephemeral container for a job. Repeating it for one attempt of a job is harmless. */
export const DelegateJobRequest = Type.Object(
  {
    jobId: Type.Unsafe<string>({
      ...Text({ minLength: 1, maxLength: 200 }),
      description: 'GitHub’s id of the job, or its key in the workflow.',
    }),
    jobName: Type.Optional(
      Text({
        minLength: 1,
        maxLength: 200,
        description: 'Its key or name, where `jobId` has to be more than that.',
      }),
    ),
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
    container: Type.Optional(JobContainerRequest),
  },
  { $id: 'DelegateJobRequest', additionalProperties: false },
)
export type DelegateJobRequest = Static<typeof DelegateJobRequest>

export const DelegateJobResponse = Answer(
  'DelegateJobResponse',
  Type.Object({ delegationId: Uuid, status: DelegationStatus }),
)
export type DelegateJobResponse = Static<typeof DelegateJobResponse>

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

export const DelegatedJobResponse = Answer('DelegatedJobResponse', DelegatedJob)
export type DelegatedJobResponse = Static<typeof DelegatedJobResponse>

/** An instant, or the beginning of a day (UTC). */
const When = (description: string) =>
  Type.String({
    maxLength: 40,
    description: `${description} ISO 8601; a day alone is its beginning in UTC.`,
  })

export const ListDelegatedJobsQuery = Type.Object(
  {
    page: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2_147_483_647, default: 1, description: 'Page number.' }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Items per page.' }),
    ),
    repository: Type.Optional(RepositoryName),
    status: Type.Optional(DelegationStatus),
    startDate: Type.Optional(When('Only jobs delegated at this moment or later.')),
    endDate: Type.Optional(When('Only jobs delegated at this moment or earlier.')),
  },
  { $id: 'ListDelegatedJobsQuery', additionalProperties: false },
)
export type ListDelegatedJobsQuery = Static<typeof ListDelegatedJobsQuery>

/** Newest first. */
export const ListDelegatedJobsResponse = PagedAnswer('ListDelegatedJobsResponse', DelegatedJob)
export type ListDelegatedJobsResponse = Static<typeof ListDelegatedJobsResponse>

/** What whoever runs a job says of it. */
export const UpdateDelegatedJobRequest = Type.Object(
  {
    status: DelegationStatus,
    runnerId: Type.Optional(Text({ minLength: 1, maxLength: 200 })),
    containerId: Type.Optional(Text({ minLength: 1, maxLength: 200 })),
    exitCode: Type.Optional(Type.Integer({ minimum: -2_147_483_648, maximum: 2_147_483_647 })),
    reason: Type.Optional(Text({ minLength: 1, maxLength: 1_000, description: 'For people.' })),
  },
  { $id: 'UpdateDelegatedJobRequest', additionalProperties: false },
)
export type UpdateDelegatedJobRequest = Static<typeof UpdateDelegatedJobRequest>

export const UpdateDelegatedJobResponse = Answer(
  'UpdateDelegatedJobResponse',
  Type.Object({ id: Uuid, status: DelegationStatus, updatedAt: Timestamp }),
)
export type UpdateDelegatedJobResponse = Static<typeof UpdateDelegatedJobResponse>

/** What a proxy runner says of the end of a job. */
export const ProxyCompleteRequest = Type.Object(
  {
    status: Type.Enum(['completed', 'failed', 'cancelled']),
    runId: Type.Optional(Text({ minLength: 1, maxLength: 40, description: 'As delegated.' })),
    jobId: Type.Optional(Text({ minLength: 1, maxLength: 200, description: 'As delegated.' })),
  },
  { $id: 'ProxyCompleteRequest', additionalProperties: false },
)
export type ProxyCompleteRequest = Static<typeof ProxyCompleteRequest>

export const DelegatedJobLogsQuery = Type.Object(
  {
    tail: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        description: 'Number of lines from the end.',
      }),
    ),
    follow: Type.Optional(Type.Boolean({ description: 'Go on with what is still to come.' })),
    download: Type.Optional(
      Type.Boolean({ description: 'What is there by now, as a plain text file.' }),
    ),
    after: Type.Optional(
      Cursor({ minimum: 0, description: 'Only lines behind this one; the first line is 1.' }),
    ),
    ticket: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { $id: 'DelegatedJobLogsQuery', additionalProperties: false },
)
export type DelegatedJobLogsQuery = Static<typeof DelegatedJobLogsQuery>

export const DelegatedJobLogsResponse = Answer(
  'DelegatedJobLogsResponse',
  Type.Object({
    logs: Type.String({ description: 'Lines, each behind its time; "" where none is.' }),
  }),
)
export type DelegatedJobLogsResponse = Static<typeof DelegatedJobLogsResponse>
