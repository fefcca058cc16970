import { execFile } from 'node:child_process'
import { CliError } from '../cli-error.ts'
import { parseRemote } from './parse-remote.ts'

export interface Checkout {
  /** Null: the remote's URL does not say it, or there is no remote. */
  repository: string | null
  /** Branch, or `refs/tags/x` of a detached tag; null: neither. */
  ref: string | null
  commit: string
  /** Whether files were changed that no commit holds. */
  isDirty: boolean
}

interface Where {
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
}

const TIMEOUT_MS = 10_000

/**
 * What the git checkout around `cwd` says of itself.
 *
 * @throws CliError when there is none, or no commit in it
 */
export async function readCheckout(where: Where, remote = 'origin'): Promise<Checkout> {
  const commit = await git(where, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])
  if (commit === null) {
    throw new CliError(
      'There is no git checkout with a commit here',
      'Say what to run: --repository owner/name --branch main --commit SHA',
    )
  }
  const url = await git(where, ['remote', 'get-url', remote])
  const branch = await git(where, ['symbolic-ref', '--quiet', '--short', 'HEAD'])
  const tag = branch ?? (await git(where, ['describe', '--tags', '--exact-match', 'HEAD']))
  const changes = await git(where, ['status', '--porcelain', '--untracked-files=no'])
  return {
    repository: url === null ? null : parseRemote(url),
    ref: branch ?? (tag === null ? null : `refs/tags/${tag}`),
    commit,
    isDirty: changes !== null && changes !== '',
  }
}

/** Full SHA of a revision of the checkout; null where it has none. */
export function resolveCommit(where: Where, revision: string): Promise<string | null> {
  return git(where, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ])
}

/** Trimmed output; null when git fails. */
async function git({ cwd, env, signal }: Where, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd,
      env: { ...env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' },
      signal,
      timeout: TIMEOUT_MS,
      maxBuffer: 8 * 1024 * 1024,
    }
    execFile('git', args, options, (error, stdout) => {
      if (!error) resolve(stdout.trim())
      else if (error.code === 'ENOENT') {
        reject(new CliError('git is not installed', 'Install it, or say what to run by options.'))
      } else if (signal.aborted) reject(signal.reason as Error)
      else resolve(null)
    })
  })
}
