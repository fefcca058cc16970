import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createTurns, GitError, removeLocks, runGit, withoutCredentials } from '../../git/index.ts'
import { GitOpsError } from './gitops-error.ts'
import type { GitOpsStore, OpenAccess } from './gitops-store.ts'
import { isAncestor } from './is-ancestor.ts'
import { judgePush, withoutSecrets } from './push-failure.ts'

export interface RemoteStoreOptions {
  /** Of the clone; nobody else uses it. */
  directory: string
  branch: string
  /** For people; what it holds of credentials is left out. */
  url: string
  access: OpenAccess
}

const fetched = 'refs/slipway/fetched'
/** A remote that has fallen silent. */
const impatient = ['-c', 'http.lowSpeedLimit=1000', '-c', 'http.lowSpeedTime=30']

/** A branch of a repository elsewhere. Its newest commit is asked for only when it is not known. */
export function createRemoteStore(options: RemoteStoreOptions): GitOpsStore {
  const { directory, branch } = options
  const name = withoutCredentials(options.url)
  const ref = `refs/heads/${branch}`
  /** Undefined: to be asked for. */
  let known: string | null | undefined
  const turns = createTurns()

  /** Runs git with the way into the remote; `args` get its URL. */
  async function atRemote(args: (url: string) => string[], signal: AbortSignal) {
    const access = await openAccess()
    try {
      const { code, stdout, stderr } = await runGit([...impatient, ...args(access.url)], {
        cwd: directory,
        signal,
        protocols: access.protocols,
        env: access.env,
        timeoutMs: 600_000,
      })
      const text = stdout.toString('utf8')
      return { code, stdout: text, stderr, secrets: Object.values(access.env) }
    } finally {
      await access.close()
    }
  }

  async function openAccess() {
    try {
      return await options.access()
    } catch (error) {
      const why = error instanceof Error ? error.message : 'its credential cannot be read'
      throw new GitOpsError(`${name} cannot be reached: ${withoutSecrets(why, [])}`, {
        cause: error,
      })
    }
  }

  function unreachable(stderr: string, secrets: readonly string[]): GitOpsError {
    const line = stderr.split('\n').find((text) => /^(fatal|error|ssh|remote):/i.test(text))
    const why = withoutSecrets(line ?? 'git ended without a word', secrets)
    return new GitOpsError(`${name} cannot be reached: ${why}`)
  }

  /** One at a time: they write one ref. */
  const fetch = (signal: AbortSignal) => turns.take('fetch', signal, () => fetchNow(signal))

  async function fetchNow(signal: AbortSignal): Promise<string | null> {
    let result = await fetchOnce(signal)
    if (result.code !== 0 && /\.lock': File exists/.test(result.stderr)) {
      // Nobody else fetches, so this lock is of a git that was killed.
      await rm(join(directory, `${fetched}.lock`), { force: true })
      result = await fetchOnce(signal)
    }
    if (result.code === 0) {
      const { stdout } = await runGit(['rev-parse', fetched], { cwd: directory, signal })
      return stdout.toString('latin1').trim()
    }
    if (/couldn't find remote ref/i.test(result.stderr)) return null
    throw unreachable(result.stderr, result.secrets)
  }

  function fetchOnce(signal: AbortSignal) {
    return atRemote(
      (url) => [
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-auto-gc',
        '--no-write-fetch-head',
        '--no-recurse-submodules',
        '--end-of-options',
        url,
        `+${ref}:${fetched}`,
      ],
      signal,
    )
  }

  return {
    directory,
    name,
    remote: true,
    async open(signal) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const { code, stderr } = await runGit(['init', '--quiet', '--bare', '.'], {
        cwd: directory,
        signal,
      })
      if (code !== 0) throw new GitOpsError(`The clone of ${name} cannot be used: ${stderr}`)
      await removeLocks(directory)
    },
    async newest(signal, { fresh }) {
      if (fresh || known === undefined) known = await fetch(signal)
      return known
    },
    async publish({ sha, base }, signal) {
      known = undefined
      let result: Awaited<ReturnType<typeof atRemote>>
      try {
        result = await atRemote(
          (url) => [
            'push',
            '--porcelain',
            '--no-verify',
            // Exactly what we built on has to be there: a branch that was turned back stays so.
            `--force-with-lease=${ref}:${base ?? ''}`,
            '--end-of-options',
            url,
            `${sha}:${ref}`,
          ],
          signal,
        )
      } catch (error) {
        if (!(error instanceof GitError)) throw error
        throw new GitOpsError(`${name} has not said whether it took the commit: ${error.message}`, {
          mayHaveArrived: true,
          cause: error,
        })
      }
      if (result.code === 0) {
        known = sha
        return 'published'
      }
      const judged = judgePush(result, { remote: name, secrets: result.secrets })
      if (judged === 'moved') return 'moved'
      throw judged
    },
    async contains(sha, signal) {
      const listed = await atRemote((url) => ['ls-remote', '--end-of-options', url, ref], signal)
      if (listed.code !== 0) throw unreachable(listed.stderr, listed.secrets)
      const newest = /^([0-9a-f]{40,64})\t/.exec(listed.stdout)?.[1]
      if (newest === undefined) return false
      return newest === sha || includes({ sha, revision: newest }, signal)
    },
    includes,
  }

  async function includes(commits: { sha: string; revision: string }, signal: AbortSignal) {
    if (!(await isKnown(commits.revision, signal))) await fetch(signal)
    return isAncestor(directory, commits, signal)
  }

  async function isKnown(sha: string, signal: AbortSignal): Promise<boolean> {
    const result = await runGit(['cat-file', '-e', `${sha}^{commit}`], { cwd: directory, signal })
    return result.code === 0
  }
}
