import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../errors.ts'
import { checkout, GitError, type GitRemote, openRemote, resolveRef } from '../git/index.ts'
import type { Principal } from '../ports/identity.ts'
import { getRepository, locateRepository } from '../repositories/index.ts'
import { requireVisible } from '../access/index.ts'
import type { PreviewDeps } from './deps.ts'

/** A tree of a repository, checked out for a while. */
export interface CheckedOut {
  repository: { id: number | null; name: string }
  ref: string | null
  commitSha: string
  directory: string
}

/**
 * Checks out a commit of a registered repository, or of the official one, for as long as `use` takes.
 * `resource_not_found` where the principal may not see the repository or there is no such ref,
 * `unavailable` where the remote cannot be reached.
 */
export async function checkOutSource<T>(
  deps: Pick<PreviewDeps, 'repositories' | 'mirrors' | 'official' | 'workDirectory'>,
  input: { principal: Principal; repositoryId: number | null; ref: string | null },
  signal: AbortSignal,
  use: (source: CheckedOut) => Promise<T>,
): Promise<T> {
  const { repository, remote, defaultRef } = await findSource(deps, input)
  const ref = input.ref ?? defaultRef
  await mkdir(deps.workDirectory, { recursive: true, mode: 0o700 })
  const directory = join(deps.workDirectory, randomUUID())
  try {
    const resolved = await resolve(deps, { remote, ref }, signal)
    const commitSha = await deps.mirrors.useCommit(
      { ...remote, commit: resolved.commit },
      signal,
      async (mirror, sha) => {
        await rm(directory, { recursive: true, force: true })
        await checkout({ mirror, sha, directory }, signal)
        return sha
      },
    )
    const shown = ref ?? (resolved.kind === 'branch' ? resolved.name : null)
    return await use({ repository, ref: shown, commitSha, directory })
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    signal.throwIfAborted()
    throw new AppError(error.permanent ? 'resource_not_found' : 'unavailable', error.message)
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function findSource(
  deps: Pick<PreviewDeps, 'repositories' | 'official'>,
  input: { principal: Principal; repositoryId: number | null },
): Promise<{
  repository: CheckedOut['repository']
  remote: GitRemote
  defaultRef: string | null
}> {
  const { principal, repositoryId: id } = input
  if (id === null) {
    const { name, url, branch } = deps.official
    requireVisible(principal, name)
    return { repository: { id, name }, remote: { url }, defaultRef: branch }
  }
  const { name, default_branch: defaultRef } = await getRepository(deps.repositories, {
    principal,
    id,
  })
  const location = await locateRepository(deps.repositories, { repository: name })
  if (!location.ok) throw new AppError('unavailable', location.message)
  return { repository: { id, name }, remote: location.remote, defaultRef }
}

async function resolve(
  deps: Pick<PreviewDeps, 'repositories'>,
  input: { remote: GitRemote; ref: string | null },
  signal: AbortSignal,
) {
  const access = await openRemote({ directory: deps.repositories.accessDirectory }, input.remote)
  try {
    return await resolveRef(access, input.ref, signal)
  } finally {
    await access.close()
  }
}
