import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { inSpan } from '../correlation.ts'
import { explainGitFailure, GitError } from './git-error.ts'
import type { Mirror } from './mirror.ts'
import type { GitAccess } from './open-remote.ts'
import { removeLocks } from './remove-locks.ts'
import { type GitResult, runGit } from './run-git.ts'

// What is done to one mirror; the caller has its turn.

/** How a fetch is done. */
export interface FetchOptions {
  /** Milliseconds; then it is stopped. Default 600,000. */
  timeoutMs?: number
  /** Told whole percent of what the fetch has come to. */
  progress?: (percent: number) => void
}

type Fetching = FetchOptions & { signal: AbortSignal }

export async function initialiseMirror(mirror: Mirror, signal: AbortSignal): Promise<void> {
  if (await exists(join(mirror.directory, 'HEAD'))) return
  await mkdir(mirror.directory, { recursive: true, mode: 0o700 })
  const args = ['init', '--quiet', '--bare', '--template=', '.']
  const result = await runGit(args, { cwd: mirror.directory, signal })
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
export async function fetchExactly(
  mirror: Mirror,
  access: GitAccess,
  sha: string,
  fetching: Fetching,
): Promise<string> {
  const { signal } = fetching
  // The ref keeps the commit from being collected as garbage.
  const args = ['--depth', '1', `+${sha}:refs/slipway/${sha}`]
  const result = await fetch(mirror, access, args, fetching)
  if (result.code === 0) return sha
  if (await hasCommit(mirror, sha, signal)) return keep(mirror, sha, signal)
  if (/unadvertised object|does not support shallow/i.test(result.stderr)) {
    await fetchEverything(mirror, access, fetching)
    if (await hasCommit(mirror, sha, signal)) return keep(mirror, sha, signal)
  }
  throw explainGitFailure(
    result.stderr,
    `${sha} could not be fetched from ${mirror.url}`,
    access.url,
  )
}

/** Only the whole history can tell whether an abbreviation is unambiguous. */
export async function fetchAbbreviated(
  mirror: Mirror,
  access: GitAccess,
  prefix: string,
  fetching: Fetching,
): Promise<string> {
  const { signal } = fetching
  await fetchEverything(mirror, access, fetching)
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
    const named = candidates.slice(0, 10)
    throw new GitError(`${prefix} is ambiguous: ${named.join(', ')}`, true, named)
  }
  return keep(mirror, only, signal)
}

/** Does what fetching one commit does by itself: a branch that moves on must not take the commit along. */
async function keep(mirror: Mirror, sha: string, signal: AbortSignal): Promise<string> {
  const result = await runGit(['update-ref', `refs/slipway/${sha}`, sha], {
    cwd: mirror.directory,
    signal,
  })
  if (result.code !== 0) throw explainGitFailure(result.stderr, `${sha} could not be kept`)
  return sha
}

async function fetchEverything(
  mirror: Mirror,
  access: GitAccess,
  fetching: Fetching,
): Promise<void> {
  const shallow = await exists(join(mirror.directory, 'shallow'))
  const refs = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']
  const depth = shallow ? ['--unshallow'] : []
  const result = await fetch(mirror, access, ['--prune', ...depth, ...refs], fetching)
  if (result.code !== 0) {
    throw explainGitFailure(result.stderr, `${mirror.url} could not be fetched`, access.url)
  }
}

/** Fetches `args`: flags, and refs, which begin with "+". */
async function fetch(
  mirror: Mirror,
  access: GitAccess,
  args: readonly string[],
  { signal, timeoutMs = 600_000, progress }: Fetching,
): Promise<GitResult> {
  const run = () =>
    runGit(
      [
        // A remote that has fallen silent.
        '-c',
        'http.lowSpeedLimit=1000',
        '-c',
        'http.lowSpeedTime=60',
        'fetch',
        '--no-tags',
        '--no-auto-gc',
        '--no-write-fetch-head',
        '--no-recurse-submodules',
        progress === undefined ? '--quiet' : '--progress',
        ...args.filter((arg) => !arg.startsWith('+')),
        '--end-of-options',
        access.url,
        ...args.filter((arg) => arg.startsWith('+')),
      ],
      {
        cwd: mirror.directory,
        signal,
        timeoutMs,
        ...(progress === undefined ? {} : { progress }),
        protocols: access.protocols,
        env: access.env,
      },
    )
  const result = await inSpan('git fetch', { kind: 'client' }, async (span) => {
    const fetched = await run()
    span?.set({ 'process.exit.code': fetched.code })
    if (fetched.code !== 0) span?.fail(new Error('fetch'))
    return fetched
  })
  if (result.code === 0 || !/\.lock': File exists/.test(result.stderr)) return result
  await removeLocks(mirror.directory)
  return run()
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
