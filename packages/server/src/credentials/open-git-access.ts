import { type GitAccess, openRemote } from '../git/index.ts'
import type { CredentialsDeps } from './deps.ts'
import { gitLoginOf, readCredential } from './read-credential.ts'

/**
 * Opens the way to a Git remote with a stored credential (null: none), for commands of git that are run
 * until it is closed: pass its `protocols` and `env` to `runGit`. The caller closes it on every path.
 * `hostKeys` are those pinned for this remote; what the credential says of hosts comes first.
 * Fails as `readCredential` and `openRemote` do.
 */
export async function openGitAccess(
  deps: CredentialsDeps & {
    /** A directory of the server's own, hidden from steps, made when it is needed. */
    accessDirectory: string
  },
  input: {
    url: string
    credential: { name: string } | { id: number } | null
    hostKeys?: string | null
    learnHostKeys?: boolean
  },
): Promise<GitAccess> {
  const { url, credential, hostKeys = null, learnHostKeys = false } = input
  const held = credential === null ? null : gitLoginOf(await readCredential(deps, credential))
  const known = held?.hostKeys ?? hostKeys
  return openRemote(
    { directory: deps.accessDirectory },
    {
      url,
      login: held?.login ?? null,
      hostKeys: known,
      learnHostKeys: learnHostKeys && known === null,
    },
  )
}
