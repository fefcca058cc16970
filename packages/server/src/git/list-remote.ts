import { explainGitFailure } from './git-error.ts'
import type { GitAccess } from './open-remote.ts'
import { runGit } from './run-git.ts'

export interface RemoteBranches {
  /** Null where the remote does not say, or has no commit yet. */
  defaultBranch: string | null
  /** By name. */
  branches: { name: string; commitSha: string }[]
}

/** Milliseconds that a remote has to answer. */
const timeoutMs = 30_000

/** Asks a remote for its branches: at most 16 MiB of them. Rejects with a GitError that says why not. */
export async function listRemote(access: GitAccess, signal: AbortSignal): Promise<RemoteBranches> {
  const result = await runGit(
    ['ls-remote', '--symref', '--end-of-options', access.url, 'HEAD', 'refs/heads/*'],
    {
      // In no repository, whose configuration would count.
      cwd: '/',
      signal,
      timeoutMs,
      maxOutput: 16 * 1024 * 1024,
      protocols: access.protocols,
      env: access.env,
    },
  )
  if (result.code !== 0) {
    throw explainGitFailure(result.stderr, `${access.url} can't be read`, access.url)
  }
  return parseRemoteBranches(result.stdout.toString('utf8'))
}

/** Reads what `git ls-remote --symref` prints. */
function parseRemoteBranches(text: string): RemoteBranches {
  const prefix = 'refs/heads/'
  let defaultBranch: string | null = null
  const branches: RemoteBranches['branches'] = []
  for (const line of text.split('\n')) {
    const [value = '', ref = ''] = line.split('\t')
    if (ref === 'HEAD' && value.startsWith(`ref: ${prefix}`)) {
      defaultBranch = value.slice(`ref: ${prefix}`.length)
    } else if (ref.startsWith(prefix) && /^[0-9a-f]{40,64}$/.test(value)) {
      branches.push({ name: ref.slice(prefix.length), commitSha: value })
    }
  }
  return { defaultBranch, branches }
}
