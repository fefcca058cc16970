import { gitLoginOf, readCredential } from '../credentials/index.ts'
import { AppError } from '../errors.ts'
import { type GitRemote, protocolOf, repositoryUrl } from '../git/index.ts'
import type { RepositoriesDeps } from './deps.ts'

/** Where a run's repository is and how to get in, or in one sentence why nobody can tell. */
export type RepositoryLocation = { ok: true; remote: GitRemote } | { ok: false; message: string }

/**
 * Looks up a run's repository: the one registered under this name, else below GIT_BASE_URL. Answers
 * its credential too, so only a worker that holds a job of the repository is told.
 */
export async function locateRepository(
  deps: Omit<RepositoriesDeps, 'accessDirectory'>,
  input: { repository: string },
): Promise<RepositoryLocation> {
  const registered = await deps.db
    .selectFrom('repositories')
    .select(['repository_url', 'credential_id', 'host_keys'])
    .where('name', '=', input.repository)
    .executeTakeFirst()
  const { repository } = input
  return locateUrl(deps, {
    repository,
    url: registered?.repository_url ?? repositoryUrl(deps.gitBaseUrl, repository),
    credentialId: registered?.credential_id ?? null,
    hostKeys: registered?.host_keys ?? null,
  })
}

/** The same of a repository whose URL is known. */
export async function locateUrl(
  deps: Omit<RepositoriesDeps, 'accessDirectory'>,
  input: {
    /** Its name, for people. */
    repository: string
    url: string
    credentialId: number | null
    hostKeys: string | null
  },
): Promise<RepositoryLocation> {
  const { repository, url, hostKeys } = input
  if (protocolOf(url) === 'file' && !deps.allowFileRepositories) {
    return {
      ok: false,
      message: `${repository} is registered with a file: URL, which this server does not allow`,
    }
  }
  const which = credentialFor(deps, input)
  if (which === null) return { ok: true, remote: { url, hostKeys } }
  try {
    const credential = await readCredential(deps, which)
    const held = gitLoginOf(credential)
    return {
      ok: true,
      remote: {
        url,
        login: held.login,
        hostKeys: held.hostKeys ?? hostKeys,
        keptFor: `credential ${credential.id}`,
      },
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { ok: false, message: `${repository} cannot be fetched: ${error.message}` }
  }
}

/**
 * Which credential a URL is reached with: its own, else the default one. That is sent to the place of
 * GIT_BASE_URL alone: whoever registers a repository elsewhere must not get hold of it.
 */
export function credentialFor(
  deps: Pick<RepositoriesDeps, 'gitBaseUrl' | 'defaultCredential'>,
  input: { url: string; credentialId: number | null },
): { id: number } | { name: string } | null {
  if (input.credentialId !== null) return { id: input.credentialId }
  const name = deps.defaultCredential
  if (name === null || protocolOf(input.url) === 'file') return null
  return placeOf(input.url) === placeOf(deps.gitBaseUrl) ? { name } : null
}

/** Protocol, host and port; of `user@host:path`, that of ssh. */
function placeOf(url: string): string {
  if (!url.includes('://')) return `ssh://${url.slice(url.indexOf('@') + 1).split(':', 1)[0]}`
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}
