import { GitHubError } from '../../ports/github.ts'
import type { GitHubActions, RunSnapshot } from '../../ports/github-actions.ts'

export interface OlderRuns {
  runs: RunSnapshot[]
  /** Every run created since then, up to where the reading began, was in this page or one before. */
  since: Date
}

const pageSize = 100
/** GitHub answers 1,000 runs of one query. */
const mostPages = 10

/**
 * Reads the runs of a repository that were created from `from` to `to`, newest first, page by page. It may
 * be left after any page, and gone on with from the page's `since`.
 */
export async function* readBackwards(
  actions: Pick<GitHubActions, 'listRuns'>,
  input: { repository: string; from: Date; to: Date },
  signal: AbortSignal,
): AsyncGenerator<OlderRuns> {
  const { repository } = input
  const from = toSecond(input.from)
  let to = toSecond(input.to)
  let page = 1
  while (to >= from) {
    const created = { from: new Date(from), to: new Date(to) }
    const answer = await actions.listRuns(repository, { perPage: pageSize, page, created }, signal)
    if (!answer.changed) throw new GitHubError('away', 'GitHub answered nothing')
    const { runs, total } = answer.value
    if (runs.length < pageSize) {
      const expected = Math.min(total, pageSize * mostPages)
      if ((page - 1) * pageSize + runs.length < expected) {
        throw new GitHubError('away', `Workflow runs of ${repository}: half a page`)
      }
      yield { runs, since: new Date(from) }
      return
    }
    const oldest = Math.min(to, toSecond(runs.at(-1)?.createdAt ?? input.to))
    // Of the oldest second there may be more on the next page.
    yield { runs, since: new Date(oldest + 1_000) }
    if (oldest < to) {
      to = oldest
      page = 1
    } else if (page < mostPages) {
      page += 1
    } else {
      // More runs of one second than GitHub shows in all: the rest cannot be had.
      to -= 1_000
      page = 1
    }
  }
}

function toSecond(date: Date): number {
  return Math.floor(date.getTime() / 1_000) * 1_000
}
