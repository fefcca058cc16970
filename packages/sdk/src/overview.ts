import type {
  BoardQuery,
  BoardResponse,
  OverviewRepositoriesQuery,
  OverviewRepositoriesResponse,
  RedPipeline,
  RedPipelinesResponse,
  WaitingRelease,
  WaitingReleasesResponse,
} from '@slipway/contract/overview'
import type { CallOptions, Transport } from './transport.ts'

/** What goes across repositories. */
export interface OverviewApi {
  /** Every repository with what ran in it last, the last to do something first. */
  repositories(
    query?: OverviewRepositoriesQuery,
    options?: CallOptions,
  ): Promise<OverviewRepositoriesResponse>
  /** What is red now, and since when. */
  red(options?: CallOptions): Promise<RedPipeline[]>
  /** Which release of each project is in which environment. */
  board(query?: BoardQuery, options?: CallOptions): Promise<BoardResponse>
  /** Releases that wait for an approval. */
  waiting(options?: CallOptions): Promise<WaitingRelease[]>
}

export function overviewApi(transport: Transport): OverviewApi {
  return {
    repositories: async (query = {}, { signal } = {}) =>
      (await transport.json({
        path: 'v1/overview/repositories',
        query: { ...query },
        signal,
      })) as OverviewRepositoriesResponse,
    async red({ signal } = {}) {
      const answer = await transport.json({ path: 'v1/overview/red', signal })
      return (answer as RedPipelinesResponse).red
    },
    board: async (query = {}, { signal } = {}) =>
      (await transport.json({ path: 'v1/board', query: { ...query }, signal })) as BoardResponse,
    async waiting({ signal } = {}) {
      const answer = await transport.json({ path: 'v1/approvals/waiting', signal })
      return (answer as WaitingReleasesResponse).waiting
    },
  }
}
