import Type, { type Static } from 'typebox'
import { Limit, Offset, Text, Timestamp, Uuid } from './fields.ts'
import { JobType } from './jobs.ts'

// What a worker on another machine and a server say to each other below `/v1/workers`, and what people see
// of workers. Ours: the documents name worker services and leave open how they reach the ledger.

/** Bounds of one request; a worker sends more in several. */
export const workerLimits = {
  capacity: 10_000,
  claimed: 1_000,
  attempts: 1_000,
  outcomes: 500,
  /** Bytes of the outcomes of one request, as JSON. */
  outcomesBytes: 8 * 1024 * 1024,
  secretNames: 1_000,
  /** Characters of an error's text. */
  errorLength: 65_536,
  /** Bytes of what discovery found in one commit, as JSON. */
  discoveryBytes: 64 * 1024 * 1024,
} as const

/** Milliseconds between two signs of life in the stream of signals. */
export const signalPingMs = 10_000

const Types = (minItems: number) =>
  Type.Array(JobType, { minItems, maxItems: 50, uniqueItems: true })
const ErrorText = Text({ maxLength: workerLimits.errorLength, description: 'For people.' })
const Attempt = Type.Integer({
  minimum: 1,
  maximum: 2_147_483_647,
  description: '1 for the first.',
})

export const WorkerParams = Type.Object({ id: Uuid })
export type WorkerParams = Static<typeof WorkerParams>

/** One attempt at a job, which the worker of the path holds. */
export const WorkerAttemptParams = Type.Object({ id: Uuid, job_id: Uuid, attempt: Attempt })
export type WorkerAttemptParams = Static<typeof WorkerAttemptParams>

/** What a worker says of itself. */
const identity = {
  name: Text({ minLength: 1, maxLength: 200, description: 'For people: the machine.' }),
  home: Text({
    minLength: 1,
    maxLength: 200,
    description: 'Id of its data directory, which no other worker has at the same time.',
  }),
  types: Types(1),
  capacity: Type.Integer({ minimum: 1, maximum: workerLimits.capacity }),
  version: Text({
    minLength: 1,
    maxLength: 50,
    description: 'Of the program; what comes before its second dot must be the server’s.',
  }),
}

/**
 * Registers a worker that has just started and owns its data directory: earlier ones of that directory that
 * the same token registered are dead, and their jobs free. The id belongs to the token until the worker
 * leaves or falls silent.
 */
export const RegisterWorkerRequest = Type.Object(
  { id: Uuid, ...identity },
  { $id: 'RegisterWorkerRequest', additionalProperties: false },
)
export type RegisterWorkerRequest = Static<typeof RegisterWorkerRequest>

/** Says that a worker is alive. */
export const RenewWorkerRequest = Type.Object(identity, {
  $id: 'RenewWorkerRequest',
  additionalProperties: false,
})
export type RenewWorkerRequest = Static<typeof RenewWorkerRequest>

export const RegisteredWorker = Type.Object(
  {
    known: Type.Boolean({
      description: 'False: the ledger did not know it, the first time or because it was given up.',
    }),
    draining: Type.Boolean({ description: 'It is to take no new jobs.' }),
    server_version: Type.String(),
  },
  { $id: 'RegisteredWorker' },
)
export type RegisteredWorker = Static<typeof RegisteredWorker>

/** A process that takes jobs, or only holds duties. */
export const Worker = Type.Object(
  {
    id: Uuid,
    name: Type.String({ description: 'The machine.' }),
    kind: Type.Enum(['server', 'remote'], {
      description: 'Part of a server, or a program of its own that comes by the API.',
    }),
    types: Type.Array(Type.String(), { description: 'Of the jobs it takes; empty: none.' }),
    capacity: Type.Integer({ description: 'Jobs at once.' }),
    in_hand: Type.Integer({ description: 'Jobs that it holds.' }),
    version: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    registered_by: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Name of the token; null: it is a server’s own.',
    }),
    draining: Type.Boolean({ description: 'It takes no new jobs any more.' }),
    started_at: Timestamp,
    last_seen_at: Timestamp,
  },
  { $id: 'Worker' },
)
export type Worker = Static<typeof Worker>

export const ListWorkersQuery = Type.Object(
  { limit: Type.Optional(Limit), offset: Type.Optional(Offset) },
  { $id: 'ListWorkersQuery', additionalProperties: false },
)
export type ListWorkersQuery = Static<typeof ListWorkersQuery>

export const ListWorkersResponse = Type.Object(
  {
    workers: Type.Array(Worker),
    total: Type.Integer(),
    limit: Type.Integer(),
    offset: Type.Integer(),
  },
  { $id: 'ListWorkersResponse' },
)
export type ListWorkersResponse = Static<typeof ListWorkersResponse>

export const ClaimJobsRequest = Type.Object(
  {
    types: Type.Array(JobType, {
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
      description: 'Those of the first type go first.',
    }),
    limit: Type.Integer({ minimum: 1, maximum: workerLimits.claimed }),
    only: Type.Optional(
      Type.Array(Uuid, { maxItems: workerLimits.claimed, description: 'Only jobs of these ids.' }),
    ),
  },
  { $id: 'ClaimJobsRequest', additionalProperties: false },
)
export type ClaimJobsRequest = Static<typeof ClaimJobsRequest>

/** One attempt at a job, handed to a worker. */
export const ClaimedWorkerJob = Type.Object(
  {
    id: Uuid,
    type: Type.String(),
    subject: Type.String(),
    run_id: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    payload: Type.Unknown({ description: 'According to its type; never anything secret.' }),
    attempt: Attempt,
    deadline_at: Timestamp,
    timeout_ms: Type.Integer({ description: 'From the claim to the deadline.' }),
    origin: Type.Optional(
      Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'What caused it.' }),
    ),
  },
  { $id: 'ClaimedWorkerJob' },
)
export type ClaimedWorkerJob = Static<typeof ClaimedWorkerJob>

export const ClaimJobsResponse = Type.Object(
  { jobs: Type.Array(ClaimedWorkerJob) },
  { $id: 'ClaimJobsResponse' },
)
export type ClaimJobsResponse = Static<typeof ClaimJobsResponse>

export const ReportOutcomesRequest = Type.Object(
  {
    outcomes: Type.Array(
      Type.Object(
        {
          id: Uuid,
          attempt: Attempt,
          state: Type.Enum(['succeeded', 'failed']),
          error: Type.Optional(ErrorText),
          result: Type.Optional(Type.Unknown({ description: 'At most 1 MiB as JSON.' })),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: workerLimits.outcomes },
    ),
  },
  { $id: 'ReportOutcomesRequest', additionalProperties: false },
)
export type ReportOutcomesRequest = Static<typeof ReportOutcomesRequest>

export const ReportOutcomesResponse = Type.Object(
  {
    accepted: Type.Array(Uuid, {
      description: 'Jobs that ended by it; the others were no longer the worker’s attempt.',
    }),
  },
  { $id: 'ReportOutcomesResponse' },
)
export type ReportOutcomesResponse = Static<typeof ReportOutcomesResponse>

const Attempts = Type.Array(
  Type.Object({ id: Uuid, attempt: Attempt }, { additionalProperties: false }),
  { minItems: 1, maxItems: workerLimits.attempts },
)

/** Frees attempts that nobody works on any more. */
export const ReleaseJobsRequest = Type.Object(
  {
    attempts: Attempts,
    error: ErrorText,
    excused: Type.Optional(
      Type.Boolean({ default: false, description: 'They do not count as attempts.' }),
    ),
  },
  { $id: 'ReleaseJobsRequest', additionalProperties: false },
)
export type ReleaseJobsRequest = Static<typeof ReleaseJobsRequest>

/** Gives back attempts that were never begun, as if they had never been claimed. */
export const ReturnJobsRequest = Type.Object(
  { attempts: Attempts },
  { $id: 'ReturnJobsRequest', additionalProperties: false },
)
export type ReturnJobsRequest = Static<typeof ReturnJobsRequest>

export const WorkerTypesQuery = Type.Object(
  { type: Types(1) },
  { $id: 'WorkerTypesQuery', additionalProperties: false },
)
export type WorkerTypesQuery = Static<typeof WorkerTypesQuery>

export const HeldJobsResponse = Type.Object(
  {
    jobs: Type.Array(
      Type.Object({
        id: Uuid,
        attempt: Attempt,
        overdue: Type.Boolean({ description: 'Its deadline has passed.' }),
      }),
    ),
  },
  { $id: 'HeldJobsResponse' },
)
export type HeldJobsResponse = Static<typeof HeldJobsResponse>

export const NextRunResponse = Type.Object(
  {
    ms: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'Milliseconds until the next queued job may start; null: there is none.',
    }),
  },
  { $id: 'NextRunResponse' },
)
export type NextRunResponse = Static<typeof NextRunResponse>

export const FindQueuedRequest = Type.Object(
  { ids: Type.Array(Uuid, { maxItems: workerLimits.claimed }) },
  { $id: 'FindQueuedRequest', additionalProperties: false },
)
export type FindQueuedRequest = Static<typeof FindQueuedRequest>

export const FindQueuedResponse = Type.Object(
  { ids: Type.Array(Uuid, { description: 'Those of them that are queued still.' }) },
  { $id: 'FindQueuedResponse' },
)
export type FindQueuedResponse = Static<typeof FindQueuedResponse>

export const FailAttemptRequest = Type.Object(
  { error: ErrorText },
  { $id: 'FailAttemptRequest', additionalProperties: false },
)
export type FailAttemptRequest = Static<typeof FailAttemptRequest>

export const FailAttemptResponse = Type.Object(
  {
    ended: Type.Boolean({ description: 'False: it was no longer the worker’s attempt.' }),
    delay_ms: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'Pause before the next attempt; null: there is none.',
    }),
  },
  { $id: 'FailAttemptResponse' },
)
export type FailAttemptResponse = Static<typeof FailAttemptResponse>

export const FailJobRequest = Type.Object(
  { error: ErrorText, result: Type.Optional(Type.Unknown()) },
  { $id: 'FailJobRequest', additionalProperties: false },
)
export type FailJobRequest = Static<typeof FailJobRequest>

export const FailJobResponse = Type.Object(
  { ended: Type.Boolean({ description: 'False: it was no longer the worker’s attempt.' }) },
  { $id: 'FailJobResponse' },
)
export type FailJobResponse = Static<typeof FailJobResponse>

/**
 * One message of the stream of signals, which is JSON lines. A stream says nothing of what was before it:
 * whoever opens one looks at the ledger first.
 */
export const WorkerSignal = Type.Union(
  [
    Type.Object({
      type: Type.Literal('queued'),
      types: Type.Unsafe<string[] | null>({
        type: ['array', 'null'],
        items: { type: 'string' },
        description: 'Types of jobs that may be claimed; null: any.',
      }),
    }),
    Type.Object({
      type: Type.Literal('stopped'),
      jobs: Type.Unsafe<string[] | null>({
        type: ['array', 'null'],
        items: { type: 'string' },
        description: 'Jobs to stop working on; null: look up which are still held.',
      }),
    }),
    Type.Object({ type: Type.Literal('drain') }, { description: 'Take no new jobs.' }),
    Type.Object({ type: Type.Literal('ping') }, { description: 'A sign of life.' }),
  ],
  { $id: 'WorkerSignal' },
)
export type WorkerSignal = Static<typeof WorkerSignal>

/** What a worker has to know of its server's settings. */
export const WorkerSettings = Type.Object(
  {
    server_version: Type.String(),
    artifact_limit_bytes: Type.Integer(),
    builder: Type.String({ description: 'Who provenance says has built: a URI.' }),
    publishers: Type.Array(
      Type.Object({
        name: Type.String(),
        type: Type.String(),
        credentials: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
        with: Type.Record(Type.String(), Type.Unknown()),
        repositories: Type.Unsafe<string[] | null>({
          type: ['array', 'null'],
          items: { type: 'string' },
        }),
      }),
      { description: 'Those of the server’s settings, which every repository may name.' },
    ),
    registry: Type.String({ description: 'What stands before a repository in a URI.' }),
    signing_key: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Public key that artifacts are signed with, in PEM; null: they are not.',
    }),
    plain_http_registries: Type.Array(Type.String()),
    build_timeouts_ms: Type.Record(Type.String(), Type.Number(), {
      description: 'Of the steps of builds.',
    }),
  },
  { $id: 'WorkerSettings' },
)
export type WorkerSettings = Static<typeof WorkerSettings>
