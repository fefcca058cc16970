import { readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import {
  fetchAbbreviated,
  fetchExactly,
  type FetchOptions,
  initialiseMirror,
} from './fetch-into-mirror.ts'
import { GitError } from './git-error.ts'
import type { GitRemote } from './git-remote.ts'
import { type Mirror, mirrorOf } from './mirror.ts'
import { maintainMirror } from './maintain-mirror.ts'
import { openRemote } from './open-remote.ts'
import { retryPassing } from './retry-passing.ts'
import { createTurns, type Turns } from './take-turns.ts'

export interface MirrorsOptions {
  /** Directory that holds all mirrors; made when it is missing. */
  directory: string
  /** Directory for what git needs to get into remotes while it fetches; hidden from steps, made when needed. */
  accessDirectory: string
  /** Mirrors kept; the one unused for longest goes first. Default 200. */
  maxMirrors?: number
  /** Fetches into one mirror from one maintenance of it to the next. Default 100. */
  fetchesPerMaintenance?: number
}

/**
 * The mirrors of one worker.
 * Concurrency: fetches into one mirror take turns in this process; no other process may use the directory.
 */
export interface Mirrors {
  /**
   * Has the commit in the mirror and answers what `use` does with it there. `commit` may be
   * abbreviated, `sha` is its full name. When git fails in `use`, the commit is taken for lost from
   * the mirror, and all is done once more. `fetching` is about a fetch, if one is needed.
   * Fails with a GitError: permanent for an unknown or ambiguous commit or repository.
   */
  useCommit<T>(
    input: GitRemote & { commit: string; fetching?: FetchOptions },
    signal: AbortSignal,
    use: (mirror: Mirror, sha: string) => Promise<T>,
  ): Promise<T>
}

interface FetchInput {
  remote: GitRemote
  mirror: Mirror
  commit: string
  fetching: FetchOptions
}

const fullSha = /^[0-9a-f]{40}$/

/**
 * For how long, in milliseconds, a commit that was used stays where it is: longer than any task may
 * take that has borrowed its objects.
 */
const keptMs = 25 * 3_600_000

export function createMirrors(options: MirrorsOptions): Mirrors {
  const turns = createTurns()
  const fetches = new Map<string, number>()
  /** When each commit of each mirror was last used; what is in here need not be asked of git. */
  const used = new Map<string, Map<string, number>>()

  const commitsOf = (directory: string) => {
    const commits = used.get(directory) ?? new Map<string, number>()
    used.set(directory, commits)
    const since = Date.now() - keptMs
    // Oldest first: what is used again moves to the end.
    for (const [sha, at] of commits) {
      if (at > since) break
      commits.delete(sha)
    }
    return commits
  }

  /** Answers whether the commit is known to be here, and marks it as used. */
  async function isHere(mirror: Mirror, sha: string): Promise<boolean> {
    const commits = commitsOf(mirror.directory)
    if (!commits.has(sha) || !(await markUsed(mirror.directory))) return false
    commits.delete(sha)
    commits.set(sha, Date.now())
    return true
  }

  async function fetchOnce(
    input: FetchInput,
    signal: AbortSignal,
    wanted: AbortSignal,
  ): Promise<string> {
    const { remote, mirror, commit, fetching } = input
    // Whoever had the turn before may have fetched it.
    if (await isHere(mirror, commit)) return commit
    await initialiseMirror(mirror, signal)
    const access = await openRemote({ directory: options.accessDirectory }, remote)
    let sha: string
    try {
      sha = fullSha.test(commit)
        ? await fetchExactly(mirror, access, commit, { ...fetching, signal })
        : await fetchAbbreviated(mirror, access, commit, { ...fetching, signal })
    } finally {
      await access.close()
    }
    await markUsed(mirror.directory)
    commitsOf(mirror.directory).set(sha, Date.now())
    for (const gone of await dropUnused(options, turns)) used.delete(gone)
    await maintainSometimes(mirror.directory, AbortSignal.any([signal, wanted]))
    return sha
  }

  /** Tidies a mirror now and then. One that could not be tidied is still good. */
  async function maintainSometimes(directory: string, signal: AbortSignal): Promise<void> {
    const count = (fetches.get(directory) ?? 0) + 1
    fetches.set(directory, count)
    if (count < (options.fetchesPerMaintenance ?? 100) || signal.aborted) return
    fetches.set(directory, 0)
    const commits = new Set(commitsOf(directory).keys())
    await maintainMirror(directory, commits, signal).catch(() => undefined)
  }

  async function fetchCommit(input: FetchInput, signal: AbortSignal): Promise<string> {
    const { mirror, commit } = input
    if (await isHere(mirror, commit)) return commit
    return retryPassing(signal, () =>
      turns.take(mirror.directory, signal, (wanted) => fetchOnce(input, signal, wanted)),
    )
  }

  return {
    async useCommit({ commit, fetching = {}, ...remote }, signal, use) {
      const mirror = mirrorOf(options.directory, remote.url, remote.keptFor)
      const input = { remote, mirror, commit: commit.toLowerCase(), fetching }
      for (let again = false; ; again = true) {
        const sha = await fetchCommit(input, signal)
        try {
          return await use(mirror, sha)
        } catch (error) {
          if (again || signal.aborted || !(error instanceof GitError)) throw error
          commitsOf(mirror.directory).delete(sha)
        }
      }
    },
  }
}

/** Keeps the number of mirrors bounded; answers those that went. One that was used within a day stays. */
async function dropUnused(options: MirrorsOptions, turns: Turns): Promise<string[]> {
  const names = await readdir(options.directory)
  const excess = names.length - (options.maxMirrors ?? 200)
  if (excess <= 0) return []
  const mirrors = await Promise.all(
    names.map(async (name) => {
      const directory = join(options.directory, name)
      return { directory, used: (await stat(directory).catch(() => null))?.mtimeMs ?? Infinity }
    }),
  )
  const idleSince = Date.now() - keptMs
  const oldest = mirrors
    .filter(({ directory, used }) => used < idleSince && turns.count(directory) === 0)
    .toSorted((a, b) => a.used - b.used)
    .slice(0, excess)
    .map(({ directory }) => directory)
  const never = new AbortController().signal
  const gone: string[] = []
  for (const directory of oldest) {
    // Wanted again while the others went.
    if (turns.count(directory) > 0) continue
    gone.push(directory)
    await turns.take(directory, never, () =>
      // What can't be removed is no fault of the mirror that is being fetched.
      rm(directory, { recursive: true, force: true }).catch(() => undefined),
    )
  }
  return gone
}

/** Its time of modification decides which mirror goes when there are too many. False: it is not there. */
function markUsed(directory: string): Promise<boolean> {
  const now = new Date()
  return utimes(directory, now, now).then(
    () => true,
    () => false,
  )
}
