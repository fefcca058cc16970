import { createHash } from 'node:crypto'
import { access, mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { explainGitFailure, GitError, withoutCredentials } from './git-error.ts'
import { maintainMirror } from './maintain-mirror.ts'
import { runGit } from './run-git.ts'

/** A repository's local mirror: what was fetched of it once is not fetched again. */
export interface Mirror {
  /** The bare repository. */
  directory: string
  /** Where it is fetched from, without credentials. */
  url: string
}

export interface MirrorsOptions {
  /** Directory that holds all mirrors; made when it is missing. */
  directory: string
  /** Mirrors kept; the one unused for longest goes first. Default 200. */
  maxMirrors?: number
}

/**
 * The mirrors of one worker.
 * Concurrency: fetches into one mirror take turns in this process; no other process may use the directory.
 */
export interface Mirrors {
  /**
   * Has the commit in the mirror and answers its full name. `commit` may be abbreviated.
   * Fails with a GitError: permanent for an unknown or ambiguous commit or repository.
   */
  fetchCommit(
    input: { url: string; commit: string },
    signal: AbortSignal,
  ): Promise<{ mirror: Mirror; sha: string }>
}

const fullSha = /^[0-9a-f]{40}$/

/** Fetches into one mirror from one maintenance of it to the next. */
const fetchesPerMaintenance = 100

/** Commits that are remembered to be in their mirror. */
const seenCommits = 10_000

export function createMirrors(options: MirrorsOptions): Mirrors {
  const turns = new Map<string, Promise<unknown>>()
  const fetches = new Map<string, number>()
  /** What was seen in a mirror need not be asked of git again, as long as the mirror is there. */
  const seen = new Set<string>()

  function countFetch(directory: string): void {
    const count = (fetches.get(directory) ?? 0) + 1
    fetches.set(directory, count % fetchesPerMaintenance)
    if (count === fetchesPerMaintenance) {
      // A mirror that could not be tidied is still a good mirror.
      inTurn(directory, () => maintainMirror(directory, AbortSignal.timeout(900_000))).catch(
        () => undefined,
      )
    }
  }

  /** One after the other in a mirror. */
  function inTurn<T>(directory: string, action: () => Promise<T>): Promise<T> {
    const turn = (turns.get(directory) ?? Promise.resolve()).then(action, action)
    const settled = turn
      .catch(() => undefined)
      .finally(() => {
        if (turns.get(directory) === settled) turns.delete(directory)
      })
    turns.set(directory, settled)
    return turn
  }

  return {
    async fetchCommit({ url, commit }, signal) {
      const mirror = {
        directory: mirrorDirectory(options.directory, url),
        url: withoutCredentials(url),
      }
      const wanted = commit.toLowerCase()
      const remember = (sha: string) => {
        if (seen.size >= seenCommits) seen.clear()
        seen.add(`${mirror.directory} ${sha}`)
        return { mirror, sha }
      }
      const isHere = async () =>
        seen.has(`${mirror.directory} ${wanted}`) && (await markUsed(mirror.directory))
      if (await isHere()) return { mirror, sha: wanted }
      return inTurn(mirror.directory, async () => {
        // Whoever had the turn before may have fetched it.
        if (await isHere()) return { mirror, sha: wanted }
        await initialise(mirror, signal)
        const sha = fullSha.test(wanted)
          ? await fetchExactly(mirror, url, wanted, signal)
          : await fetchAbbreviated(mirror, url, wanted, signal)
        await markUsed(mirror.directory)
        // What is fetched again later must not be taken for what was there before.
        if (await dropUnused(options, turns)) seen.clear()
        countFetch(mirror.directory)
        return remember(sha)
      })
    },
  }
}

/** A name that any URL maps to, readable by a person and safe as a directory. */
function mirrorDirectory(parent: string, url: string): string {
  const plain = withoutCredentials(url)
  const readable = plain
    .replace(/^.*?:\/\//, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(-60)
  const digest = createHash('sha256').update(plain).digest('hex').slice(0, 12)
  return join(parent, `${readable}-${digest}.git`)
}

async function initialise(mirror: Mirror, signal: AbortSignal): Promise<void> {
  if (await exists(join(mirror.directory, 'HEAD'))) return
  await mkdir(mirror.directory, { recursive: true, mode: 0o700 })
  const result = await runGit(['init', '--quiet', '--bare', '.'], { cwd: mirror.directory, signal })
  if (result.code !== 0) throw explainGitFailure(result.stderr, 'A mirror could not be made')
}

async function hasCommit(mirror: Mirror, sha: string, signal: AbortSignal): Promise<boolean> {
  const result = await runGit(['cat-file', '-e', `${sha}^{commit}`], {
    cwd: mirror.directory,
    signal,
  })
  return result.code === 0
}

/** Fetches one commit and nothing of its history. A remote that is away is not needed for one that is here. */
async function fetchExactly(
  mirror: Mirror,
  url: string,
  sha: string,
  signal: AbortSignal,
): Promise<string> {
  // The ref keeps the commit from being collected as garbage.
  const result = await fetch(mirror, url, ['--depth', '1', `+${sha}:refs/slipway/${sha}`], signal)
  if (result.code === 0 || (await hasCommit(mirror, sha, signal))) return sha
  if (/unadvertised object|does not support shallow/i.test(result.stderr)) {
    await fetchEverything(mirror, url, signal)
    if (await hasCommit(mirror, sha, signal)) return sha
  }
  throw explainGitFailure(result.stderr, `${sha} could not be fetched from ${mirror.url}`)
}

/** Only the whole history can tell whether an abbreviation is unambiguous. */
async function fetchAbbreviated(
  mirror: Mirror,
  url: string,
  prefix: string,
  signal: AbortSignal,
): Promise<string> {
  await fetchEverything(mirror, url, signal)
  const { stdout } = await runGit(['rev-parse', `--disambiguate=${prefix}`], {
    cwd: mirror.directory,
    signal,
  })
  const candidates: string[] = []
  for (const object of stdout.toString('utf8').split('\n').filter(Boolean).slice(0, 100)) {
    if (await hasCommit(mirror, object, signal)) candidates.push(object)
  }
  const [only] = candidates
  if (only === undefined) {
    throw new GitError(`${prefix}: there is no such commit in ${mirror.url}`, true)
  }
  if (candidates.length > 1) {
    throw new GitError(`${prefix} is ambiguous: ${candidates.slice(0, 10).join(', ')}`, true)
  }
  return only
}

async function fetchEverything(mirror: Mirror, url: string, signal: AbortSignal): Promise<void> {
  const shallow = await exists(join(mirror.directory, 'shallow'))
  const refs = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']
  const depth = shallow ? ['--unshallow'] : []
  const result = await fetch(mirror, url, ['--prune', ...depth, ...refs], signal)
  if (result.code !== 0)
    throw explainGitFailure(result.stderr, `${mirror.url} could not be fetched`)
}

function fetch(mirror: Mirror, url: string, args: string[], signal: AbortSignal) {
  const options = [
    '--no-tags',
    '--no-auto-gc',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--quiet',
  ]
  const [refs, flags] = [
    args.filter((arg) => arg.startsWith('+')),
    args.filter((arg) => !arg.startsWith('+')),
  ]
  return runGit(['fetch', ...options, ...flags, '--end-of-options', url, ...refs], {
    cwd: mirror.directory,
    signal,
    timeoutMs: 600_000,
    protocols: new URL(url).protocol.replace(':', ''),
  })
}

/** Keeps the number of mirrors bounded; answers whether any went. One that was used within a day stays. */
async function dropUnused(
  options: MirrorsOptions,
  busy: ReadonlyMap<string, unknown>,
): Promise<boolean> {
  const names = await readdir(options.directory)
  const excess = names.length - (options.maxMirrors ?? 200)
  if (excess <= 0) return false
  const mirrors = await Promise.all(
    names.map(async (name) => {
      const directory = join(options.directory, name)
      return { directory, used: (await stat(directory)).mtimeMs }
    }),
  )
  const idleSince = Date.now() - 24 * 3_600_000
  const oldest = mirrors
    .filter(({ directory, used }) => used < idleSince && !busy.has(directory))
    .toSorted((a, b) => a.used - b.used)
    .slice(0, excess)
  for (const { directory } of oldest) await rm(directory, { recursive: true, force: true })
  return oldest.length > 0
}

/** Its time of modification decides which mirror goes when there are too many. False: it is not there. */
function markUsed(directory: string): Promise<boolean> {
  const now = new Date()
  return utimes(directory, now, now).then(
    () => true,
    () => false,
  )
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
