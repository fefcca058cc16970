import type {
  DelegatedJob,
  DelegatedJobLogsResponse,
  DelegatedJobResponse,
  DelegateJobRequest,
  DelegateJobResponse,
  ListDelegatedJobsQuery,
  ListDelegatedJobsResponse,
  ProxyCompleteRequest,
  UpdateDelegatedJobRequest,
  UpdateDelegatedJobResponse,
} from '@slipway/contract/delegations'
import { followLog, type LogLine, type LogOptions } from './follow-log.ts'
import type { JobMessage, JobSubscription } from './sockets/follow-jobs.ts'
import type { SubscribeOptions } from './sockets/follow-socket.ts'
import type { CallOptions, Transport } from './transport.ts'
import { watchAnswers } from './watch-answers.ts'

/** Delegated jobs: jobs of GitHub Actions in ephemeral containers. */
export interface JobsApi {
  /** Newest first; without `limit`, the newest twenty. */
  list(query?: ListDelegatedJobsQuery, options?: CallOptions): Promise<ListDelegatedJobsResponse>
  get(id: string, options?: CallOptions): Promise<DelegatedJob>
  /** Asks for a container. Repeating it for one attempt of a job answers the same delegation. */
  delegate(request: DelegateJobRequest, options?: CallOptions): Promise<DelegateJobResponse['data']>
  cancel(id: string, options?: CallOptions): Promise<DelegatedJob>
  /** The job as it is now, and again each time that it changed, the last one ended. */
  watch(id: string, options?: CallOptions): AsyncIterable<DelegatedJob>
  /**
   * What happens to the jobs of these repositories, as the server's socket tells it, without end and over as
   * many connections as it takes. It tells from each `onOpen` on: what was before is in `list`.
   */
  subscribe(subscription: JobSubscription, options?: SubscribeOptions): AsyncIterable<JobMessage>
  /** Its log so far, or its last `tail` lines, each behind its time; '' where there is none. */
  logs(id: string, options?: CallOptions & { tail?: number | undefined }): Promise<string>
  /** The lines of its log as they come, until the job has ended. */
  followLogs(id: string, options?: Omit<LogOptions, 'follow'>): AsyncIterable<LogLine>
  /** What whoever runs the job says of it; for service accounts. */
  report(
    id: string,
    report: UpdateDelegatedJobRequest,
    options?: CallOptions,
  ): Promise<UpdateDelegatedJobResponse['data']>
  /** Says that the job is over for the proxy that delegated it. */
  completeForProxy(id: string, request: ProxyCompleteRequest, options?: CallOptions): Promise<void>
}

const root = 'api/jobs'
/** The family's requests are counted by address: what is watched is asked for rarely where nothing happens. */
const mostMs = 60_000

export function jobsApi(transport: Transport): JobsApi {
  const pathOf = (id: string) => `${root}/${encodeURIComponent(id)}`
  const ask = (path: string, query: object, { signal }: CallOptions = {}) =>
    transport.json({ path, query: { ...query }, signal })
  const send = (path: string, body: unknown, { signal }: CallOptions = {}) =>
    transport.json({ method: 'POST', path, body, signal })
  const get: JobsApi['get'] = async (id, options) =>
    ((await ask(pathOf(id), {}, options)) as DelegatedJobResponse).data

  return {
    get,
    list: async (query = {}, options) =>
      (await ask(root, query, options)) as ListDelegatedJobsResponse,
    delegate: async (request, options) =>
      (
        (await transport.json({
          method: 'POST',
          path: `${root}/delegate`,
          body: request,
          isRepeatable: true,
          signal: options?.signal,
        })) as DelegateJobResponse
      ).data,
    cancel: async (id, options) =>
      ((await send(`${pathOf(id)}/cancel`, undefined, options)) as DelegatedJobResponse).data,
    watch(id, options = {}) {
      const watched = {
        events: { types: 'runner.job.*' },
        concerns: (data: object) => 'delegation_id' in data && data.delegation_id === id,
        ask: (call: CallOptions) => get(id, call),
        textOf: (job: DelegatedJob) => JSON.stringify(job),
        isFinished: ({ status }: DelegatedJob) => hasEnded(status),
        mostMs,
      }
      return watchAnswers(transport, watched, options)
    },
    async *subscribe(subscription, options = {}) {
      // Sockets are loaded where they are wanted.
      const { followJobs } = await import('./sockets/follow-jobs.ts')
      yield* followJobs(transport, subscription, options)
    },
    async logs(id, { signal, tail } = {}) {
      const answer = await ask(`${pathOf(id)}/logs`, { tail }, { signal })
      return (answer as DelegatedJobLogsResponse).data.logs
    },
    followLogs: (id, options = {}) =>
      followLog(transport, `${pathOf(id)}/logs`, { ...options, follow: true }),
    async report(id, body, { signal } = {}) {
      const path = `${pathOf(id)}/status`
      const answer = await transport.json({ method: 'PATCH', path, body, signal })
      return (answer as UpdateDelegatedJobResponse).data
    },
    async completeForProxy(id, request, options) {
      await send(`${pathOf(id)}/proxy-complete`, request, options)
    },
  }
}

function hasEnded(status: DelegatedJob['status']): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
