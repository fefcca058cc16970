import type {
  PipelineInsightsQuery,
  PipelineInsightsResponse,
} from '@slipway/contract/pipeline-insights'
import type {
  PipelineHistoryQuery,
  PipelineHistoryResponse,
  PipelineMetricsQuery,
  PipelineMetricsResponse,
  PipelineRun,
  PipelineStatusQuery,
  PipelineStatusResponse,
  TriggerPipelineRequest,
  TriggerPipelineResponse,
} from '@slipway/contract/pipelines'
import { SlipwayError } from './slipway-error.ts'
import type { PipelineMessage, PipelineSubscription } from './sockets/follow-pipelines.ts'
import type { SubscribeOptions } from './sockets/follow-socket.ts'
import type { CallOptions, Transport } from './transport.ts'
import { watchAnswers, type WatchOptions } from './watch-answers.ts'

/** GitHub Actions, as Slipway watches them. */
export interface PipelinesApi {
  status(query?: PipelineStatusQuery, options?: CallOptions): Promise<PipelineStatusResponse>
  /** The status as it is now, and again each time that it changed, without end. */
  watchStatus(
    query?: PipelineStatusQuery,
    options?: WatchOptions,
  ): AsyncIterable<PipelineStatusResponse>
  /** A page of the runs of `owner/name`, newest first. */
  history(
    repository: string,
    query?: PipelineHistoryQuery,
    options?: CallOptions,
  ): Promise<PipelineHistoryResponse>
  /**
   * A run as it is now, and again each time that it changed, the last one finished. Rejects with
   * `timeout` where nothing is known of it for three minutes.
   */
  watchRun(run: WatchedRun, options?: CallOptions): AsyncIterable<PipelineRun>
  /**
   * What happens in pipelines, as the server's socket tells it, without end and over as many connections as
   * it takes. It tells from each `onOpen` on: what was before is in `status`.
   */
  subscribe(
    subscription?: PipelineSubscription,
    options?: SubscribeOptions,
  ): AsyncIterable<PipelineMessage>
  /** Starts a workflow. Sent once, whatever comes of it. */
  trigger(request: TriggerPipelineRequest, options?: CallOptions): Promise<TriggerPipelineResponse>
  metrics(query?: PipelineMetricsQuery, options?: CallOptions): Promise<PipelineMetricsResponse>
  insights(query?: PipelineInsightsQuery, options?: CallOptions): Promise<PipelineInsightsResponse>
}

export interface WatchedRun {
  repository: string
  branch: string
  runId: number
}

const root = 'api/v2/pipelines'
/** Runs of a branch among which a watched one is looked for. */
const lookedThrough = 100
const unseenMs = 180_000
const events = 'workflow.*'

export function pipelinesApi(transport: Transport): PipelinesApi {
  const read = async (path: string, query: object, signal: AbortSignal | undefined) =>
    transport.json({ path: `${root}/${path}`, query: { ...query }, signal })
  const status: PipelinesApi['status'] = async (query = {}, { signal } = {}) =>
    (await read('status', query, signal)) as PipelineStatusResponse
  const history: PipelinesApi['history'] = async (repository, query = {}, { signal } = {}) =>
    (await read(
      `history/${encodeURIComponent(repository)}`,
      query,
      signal,
    )) as PipelineHistoryResponse

  return {
    status,
    history,
    watchStatus: (query = {}, options = {}) =>
      watchAnswers(
        transport,
        {
          events: {
            types: events,
            ...(query.repo === undefined ? {} : { repository: query.repo }),
          },
          ask: (call) => status(query, call),
          textOf: textOfStatus,
          isFinished: () => false,
        },
        options,
      ),
    async *subscribe(subscription = {}, options = {}) {
      // Sockets are loaded where they are wanted.
      const { followPipelines } = await import('./sockets/follow-pipelines.ts')
      yield* followPipelines(transport, subscription, options)
    },
    watchRun: (run, options = {}) => watchRun(transport, history, run, options),
    async trigger(request, { signal } = {}) {
      const input = { method: 'POST', path: `${root}/trigger`, body: request, signal } as const
      const response = await transport.open(input)
      return (await response.json()) as TriggerPipelineResponse
    },
    metrics: async (query = {}, { signal } = {}) =>
      (await read('metrics', query, signal)) as PipelineMetricsResponse,
    insights: async (query = {}, { signal } = {}) =>
      (await read('insights', query, signal)) as PipelineInsightsResponse,
  }
}

/** That time passes is no change. */
function textOfStatus({ pipelines, metadata }: PipelineStatusResponse): string {
  const { total, stale } = metadata
  return JSON.stringify([
    total,
    stale,
    pipelines.map((one) => (one.status === 'running' ? { ...one, duration: 0 } : one)),
  ])
}

async function* watchRun(
  transport: Transport,
  history: PipelinesApi['history'],
  { repository, branch, runId }: WatchedRun,
  options: CallOptions,
): AsyncGenerator<PipelineRun, void, undefined> {
  const giveUpAt = Date.now() + unseenMs
  let seen = false
  const watched = {
    events: { types: events, repository },
    ask: async (call: CallOptions) => {
      const { runs } = await history(repository, { branch, per_page: lookedThrough }, call)
      const run = runs.find(({ id }) => id === runId) ?? null
      seen ||= run !== null
      return run
    },
    textOf: (run: PipelineRun | null) =>
      JSON.stringify(run, (key, value: unknown) => (key === 'duration' ? undefined : value)),
    isFinished: (run: PipelineRun | null) =>
      run === null ? !seen && Date.now() >= giveUpAt : isFinished(run),
  }
  for await (const run of watchAnswers(transport, watched, options)) if (run !== null) yield run
  if (seen) return
  const message = `Nothing is known of the run ${runId} of ${repository}`
  throw new SlipwayError({ status: 0, code: 'timeout', message })
}

function isFinished({ status }: PipelineRun): boolean {
  return status === 'success' || status === 'failure'
}
