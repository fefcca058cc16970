import { openGitAccess } from '../credentials/index.ts'
import { AppError } from '../errors.ts'
import { GitError, listRemote, type RemoteBranches } from '../git/index.ts'
import type { RepositoriesDeps } from './deps.ts'
import { credentialFor } from './locate-repository.ts'

/** What a remote said, and the host keys to pin where it was met for the first time. */
export type Contact =
  | { ok: true; remote: RemoteBranches; hostKeys: string | null }
  | { ok: false; message: string }

/** Asks a remote for its branches, with its credential or the default one; why not is a value. */
export async function contactRemote(
  deps: RepositoriesDeps,
  input: { url: string; credentialId: number | null; hostKeys: string | null },
  signal: AbortSignal,
): Promise<Contact> {
  const { url, hostKeys } = input
  const credential = credentialFor(deps, input)
  try {
    const learnHostKeys = hostKeys === null
    const access = await openGitAccess(deps, { url, credential, hostKeys, learnHostKeys })
    try {
      const remote = await listRemote(access, signal)
      const learnt = learnHostKeys ? await access.hostKeys() : ''
      return { ok: true, remote, hostKeys: learnt === '' ? hostKeys : learnt }
    } finally {
      await access.close()
    }
  } catch (error) {
    if (!(error instanceof GitError) && !(error instanceof AppError)) throw error
    signal.throwIfAborted()
    return { ok: false, message: error.message }
  }
}
