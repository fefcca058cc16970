import type {
  BoardQuery,
  BoardResponse,
  OverviewRepositoriesQuery,
  OverviewRepositoriesResponse,
  RedPipeline,
  RedPipelinesResponse,
  WaitingForMeResponse,
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
  /** What waits for the caller: what they may decide, and what of theirs has failed. */
  waitingForMe(options?: CallOptions): Promise<WaitingForMeResponse>
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
    waitingForMe: async ({ signal } = {}) =>
      (await transport.json({ path: 'v1/overview/waiting', signal })) as WaitingForMeResponse,
    board: async (query = {}, { signal } = {}) =>
      (await transport.json({ path: 'v1/board', query: { ...query }, signal })) as BoardResponse,
    async waiting({ signal } = {}) {
      const answer = await transport.json({ path: 'v1/approvals/waiting', signal })
      return (answer as WaitingReleasesResponse).waiting
    },
  }
}
