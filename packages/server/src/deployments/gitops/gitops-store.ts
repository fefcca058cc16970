import type { GitAccess } from '../../git/index.ts'

/**
 * One branch of one repository, with a bare repository on this machine that has its objects.
 *
 * Concurrency: `newest` and `publish` are for whoever has the turn; `contains` for anybody.
 * Failure: a `GitOpsError` whose message may be shown, without any credential.
 */
export interface GitOpsStore {
  /** The bare repository on this machine. */
  readonly directory: string
  /** For people, without credentials. */
  readonly name: string
  /** Whether others can move the branch between two of our own commits, and a push may be under way unseen. */
  readonly remote: boolean
  open(signal: AbortSignal): Promise<void>
  /**
   * What the branch's newest commit is called in `directory`; null: there is none yet. What this store
   * has published last is believed to be it, unless `fresh` is asked for.
   */
  newest(signal: AbortSignal, options: { fresh: boolean }): Promise<string | null>
  /**
   * Makes `sha` the branch's newest commit if that is still `base`, and otherwise answers `moved`;
   * `newest` then looks again.
   */
  publish(
    commit: { sha: string; base: string | null },
    signal: AbortSignal,
  ): Promise<'published' | 'moved'>
  /** Whether the branch's newest commit is `sha`, or was made on top of it, by asking where it is kept. */
  contains(sha: string, signal: AbortSignal): Promise<boolean>
  /** Whether `revision`, the full name of a commit, is `sha` or was made on top of it. */
  includes(commits: { sha: string; revision: string }, signal: AbortSignal): Promise<boolean>
}

/** Opens the way to the remote for a few commands; `close` removes what that put on disk. */
export type OpenAccess = () => Promise<Pick<GitAccess, 'url' | 'protocols' | 'env' | 'close'>>
