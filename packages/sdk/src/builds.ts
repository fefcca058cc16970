import type {
  Build,
  BuildOutput,
  BuildResponse,
  BuildStepInfo,
  CreateBuildRequest,
  ExecuteBuildResponse,
  ListBuildOutputsResponse,
  ListBuildsQuery,
  ListBuildsResponse,
  ListBuildStepsResponse,
} from '@slipway/contract/builds'
import type {
  BuildStatistics,
  CleanupResult,
  RepositoryUsage,
} from '@slipway/contract/build-figures'
import { type FileDownload, type DownloadOptions, downloadFile } from './download-file.ts'
import { followLog, type LogLine, type LogOptions } from './follow-log.ts'
import type { BuildMessage, BuildSubscribeOptions } from './sockets/follow-build.ts'
import type { CallOptions, Transport } from './transport.ts'
import { watchAnswers } from './watch-answers.ts'

/** Builds: custom packages and images from Git repositories. */
export interface BuildsApi {
  /** Newest first; without `limit`, the newest hundred. */
  list(query?: ListBuildsQuery, options?: CallOptions): Promise<ListBuildsResponse>
  get(id: number, options?: CallOptions): Promise<Build>
  /** Checks what is asked for, and keeps it: nothing runs before `execute`. */
  create(request: CreateBuildRequest, options?: CallOptions): Promise<Build>
  /** Begins the steps of a pending build, once, and answers at once: `watch` says what comes of it. */
  execute(id: number, options?: CallOptions): Promise<ExecuteBuildResponse['execution_result']>
  cancel(id: number, options?: CallOptions): Promise<Build>
  /** Makes the same build anew, and executes it. */
  retry(id: number, options?: CallOptions): Promise<Build>
  /**
   * The build as it is now, and again each time that it changed, the last one ended. Its log is in it
   * (the last 64 KiB), but lines alone are no change.
   */
  watch(id: number, options?: CallOptions): AsyncIterable<Build>
  /**
   * Everything of it as the server's socket tells it, each thing once: its state, the lines of its log, its
   * steps, its outputs, and at last the message `end`.
   */
  subscribe(id: number, options?: BuildSubscribeOptions): AsyncIterable<BuildMessage>
  /** The lines of its log, each with its time apart. */
  logs(id: number, options?: LogOptions): AsyncIterable<LogLine>
  outputs(id: number, options?: CallOptions): Promise<BuildOutput[]>
  /** Opens the file of an output; one that has expired is `gone`. */
  download(outputId: number, options?: DownloadOptions): Promise<FileDownload>
  steps(options?: CallOptions): Promise<BuildStepInfo[]>
  statistics(query?: { days?: number }, options?: CallOptions): Promise<BuildStatistics>
  /** Removes what has expired. */
  cleanup(options?: CallOptions): Promise<CleanupResult>
  usage(repositoryId: number, options?: CallOptions): Promise<RepositoryUsage>
}

const root = 'api/pipelines'
const newest = 100
const events = 'build.*'

export function buildsApi(transport: Transport): BuildsApi {
  const post = (path: string, options: CallOptions = {}, body?: unknown) =>
    transport.json({ method: 'POST', path: `${root}/${path}`, body, signal: options.signal })
  const read = (path: string, { signal }: CallOptions = {}, query: object = {}) =>
    transport.json({ path: `${root}/${path}`, query: { ...query }, signal })
  const one = (answer: unknown) => (answer as BuildResponse).pipeline_run
  const get: BuildsApi['get'] = async (id, options) => one(await read(`runs/${id}`, options))

  return {
    get,
    list: async (query = {}, options) =>
      (await read('runs', options, { limit: newest, ...query })) as ListBuildsResponse,
    create: async (request, options) => one(await post('runs', options, request)),
    async execute(id, { signal } = {}) {
      const path = `${root}/runs/${id}/execute`
      const answer = await transport.json({ method: 'POST', path, query: { wait: false }, signal })
      return (answer as ExecuteBuildResponse).execution_result
    },
    cancel: async (id, options) => one(await post(`runs/${id}/cancel`, options)),
    retry: async (id, options) => one(await post(`runs/${id}/retry`, options)),
    watch(id, options = {}) {
      const watched = {
        events: { types: events },
        concerns: (data: object) => 'build_id' in data && data.build_id === id,
        ask: (call: CallOptions) => get(id, call),
        textOf: ({ logs: _logs, logs_truncated: _truncated, ...state }: Build) =>
          JSON.stringify(state),
        isFinished: (build: Build) => build.completed_at !== null,
      }
      return watchAnswers(transport, watched, options)
    },
    async *subscribe(id, options = {}) {
      // Sockets are loaded where they are wanted.
      const { followBuild } = await import('./sockets/follow-build.ts')
      yield* followBuild(transport, id, options)
    },
    logs: (id, options = {}) => followLog(transport, `${root}/runs/${id}/logs`, options),
    async outputs(id, options) {
      const answer = await read(`runs/${id}/outputs`, options)
      return (answer as ListBuildOutputsResponse).build_outputs
    },
    download: (outputId, options = {}) =>
      downloadFile(transport, `${root}/outputs/${outputId}/download`, options),
    steps: async (options) =>
      ((await read('steps', options)) as ListBuildStepsResponse).build_steps,
    async statistics(query = {}, options) {
      const answer = await read('statistics', options, query)
      return (answer as { statistics: BuildStatistics }).statistics
    },
    async cleanup(options) {
      return ((await post('cleanup', options)) as { cleanup_result: CleanupResult }).cleanup_result
    },
    async usage(repositoryId, options) {
      const answer = await read(`repositories/${repositoryId}/usage`, options)
      return (answer as { repository_usage: RepositoryUsage }).repository_usage
    },
  }
}
