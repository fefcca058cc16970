import { inSpan } from '../../correlation.ts'
import type { Log } from '../../db/log.ts'
import { createTurns, GitError, runGit } from '../../git/index.ts'
import { GitOpsError } from './gitops-error.ts'
import type { GitOpsStore } from './gitops-store.ts'
import { type Base, readBase } from './read-base.ts'
import { type NewFile, writeCommit } from './write-commit.ts'

/** What a commit is to change; null: nothing, after a look at what there is. */
export type Change = { files: readonly NewFile[]; message: string; at: Date } | null

export interface CommitInput {
  /** Files of the newest commit that `change` wants to see. */
  reads: readonly string[]
  /** Whether the newest commit is asked for, even if it is known by all appearances. */
  fresh?: boolean
  /**
   * Says what to commit on this base. Called again, on another base, when somebody else was first;
   * what it throws about the newest base ends the commit.
   */
  change(base: Base): Promise<Change>
  /** Told the commit's name before it is sent; what it throws ends the commit. */
  prepared(sha: string): Promise<void>
}

/** The repository for as long as nobody else, here or on another server, commits to it for Slipway. */
export interface GitOpsTurn {
  readonly signal: AbortSignal
  /**
   * Commits to the branch, on top of whatever is there by then; answers the commit's name, or null
   * where `change` said so. Rejects with a `GitOpsError`.
   */
  commit(input: CommitInput): Promise<string | null>
  isAncestor(commits: { sha: string; revision: string }): Promise<boolean>
}

/** The repository that says what is to run where; only this file's functions write to it. */
export interface GitOpsRepository {
  readonly directory: string
  readonly remote: boolean
  /**
   * Makes what is needed on this machine; where that fails, each deployment tries it again. What is
   * elsewhere is looked at in the background.
   */
  open(): Promise<void>
  /** Runs `work` alone, within `deadlineMs` from now, waiting included. */
  exclusively<T>(
    work: (turn: GitOpsTurn) => Promise<T>,
    options?: { signal?: AbortSignal },
  ): Promise<T>
  contains(sha: string, signal: AbortSignal): Promise<boolean>
  includes(commits: { sha: string; revision: string }, signal: AbortSignal): Promise<boolean>
  /** Stops what is under way, and waits for its end. */
  close(): Promise<void>
}

export interface GitOpsRepositoryOptions {
  /** Keeps other servers out while it runs `work`. */
  lock: <T>(work: () => Promise<T>) => Promise<T>
  log: Log
  /** Milliseconds from being asked to being done, waiting for others included. Default 25,000. */
  deadlineMs?: number
  /** Commits from one tidying to the next; each is a pack of its own until then. Default 100. */
  commitsPerTidying?: number
}

/** Times that a commit is made anew because somebody else was first. */
const tries = 20
const key = 'gitops'

export function createGitOpsRepository(
  store: GitOpsStore,
  options: GitOpsRepositoryOptions,
): GitOpsRepository {
  const { log, deadlineMs = 25_000, commitsPerTidying = 100 } = options
  const closing = new AbortController()
  const turns = createTurns()
  let commits = 0
  let opened: Promise<void> | undefined
  let background: Promise<unknown> = Promise.resolve()

  function ensureOpen(): Promise<void> {
    opened ??= store.open(closing.signal).catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }

  async function commit(input: CommitInput, signal: AbortSignal): Promise<string | null> {
    let fresh = input.fresh ?? false
    for (let attempt = 1; ; attempt++) {
      const revision = await store.newest(signal, { fresh })
      const base = await readBase(store.directory, { revision, paths: input.reads }, signal)
      let change: Change
      try {
        change = await input.change(base)
      } catch (error) {
        // What it takes offence at may have been put right by somebody else.
        if (fresh || !store.remote) throw error
        fresh = true
        continue
      }
      fresh = false
      if (change === null) return null
      const sha = await writeCommit(store.directory, { base: base.sha, ...change }, signal)
      await input.prepared(sha)
      // Whoever asked has been told that nothing was sent.
      if (signal.aborted) throw new GitError('git was stopped', false)
      const outcome = await inSpan('git push', { kind: 'client' }, () =>
        store.publish({ sha, base: base.sha }, signal),
      )
      if (outcome === 'published') return sha
      if (attempt === tries) {
        throw new GitOpsError(`${store.name} moves on faster than a commit can be made for it`)
      }
    }
  }

  /** What git says when it is stopped is not why it was, and nobody knows how far it had come. */
  function explain(error: unknown, deadline: AbortSignal): unknown {
    const ofGit = error instanceof GitOpsError ? error.cause : error
    if (!(ofGit instanceof GitError)) return error
    const message = closing.signal.aborted
      ? 'The server is stopping'
      : deadline.aborted
        ? `${store.name} did not answer within ${deadlineMs / 1000} s`
        : (error as Error).message
    const stopped = closing.signal.aborted || deadline.aborted
    const mayHaveArrived = stopped || (error instanceof GitOpsError && error.mayHaveArrived)
    return new GitOpsError(message, { mayHaveArrived, cause: error })
  }

  function tidySometimes(): void {
    if (++commits < commitsPerTidying) return
    commits = 0
    background = turns
      .take(key, closing.signal, (wanted) =>
        // Detached, it would go on behind our back: in others' turns, and after our end.
        runGit(['-c', 'gc.autoDetach=false', 'gc', '--auto', '--quiet'], {
          cwd: store.directory,
          signal: AbortSignal.any([closing.signal, wanted]),
          timeoutMs: 600_000,
        }),
      )
      // A repository that could not be tidied is still good.
      .catch(() => undefined)
  }

  return {
    directory: store.directory,
    remote: store.remote,
    async open() {
      try {
        await ensureOpen()
      } catch (error) {
        log.warn({ err: error }, 'The GitOps repository cannot be used')
        return
      }
      if (!store.remote) return
      // The first look may take longer than a deployment may wait.
      background = turns
        .take(key, closing.signal, () => store.newest(closing.signal, { fresh: true }))
        .catch((error: unknown) => {
          if (!closing.signal.aborted) log.warn({ err: error }, 'The GitOps repository is away')
        })
    },
    async exclusively(work, { signal } = {}) {
      const deadline = AbortSignal.timeout(deadlineMs)
      const ends = AbortSignal.any([
        deadline,
        closing.signal,
        ...(signal === undefined ? [] : [signal]),
      ])
      try {
        await ensureOpen()
        return await turns.take(key, ends, () =>
          options.lock(() =>
            work({
              signal: ends,
              commit: (input) => commit(input, ends),
              isAncestor: ({ sha, revision }) => store.includes({ sha, revision }, ends),
            }),
          ),
        )
      } catch (error) {
        throw explain(error, deadline)
      } finally {
        tidySometimes()
      }
    },
    contains: (sha, signal) => store.contains(sha, AbortSignal.any([signal, closing.signal])),
    includes: (pair, signal) => store.includes(pair, AbortSignal.any([signal, closing.signal])),
    async close() {
      closing.abort()
      await background
      // Whoever has the turn is being stopped; nobody gets it after us.
      await turns.take(key, new AbortController().signal, async () => undefined)
    },
  }
}
