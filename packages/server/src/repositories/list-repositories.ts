import type { ListBranchesResponse, Repository } from '@slipway/contract/repositories'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { contactRemote } from './contact-remote.ts'
import type { RepositoriesDeps } from './deps.ts'
import { findRepository, noSuchRepository, toRepository } from './repository-rows.ts'

/** In the order they were registered; `count` is that of all that the principal may see. */
export async function listRepositories(
  { db }: Pick<RepositoriesDeps, 'db'>,
  input: { principal: Principal; name?: string | undefined; limit: number; offset: number },
): Promise<{ repositories: Repository[]; count: number }> {
  const { principal, name, limit, offset } = input
  let visible = db.selectFrom('repositories')
  if (principal.repositories !== null) {
    visible = visible.where('name', 'in', principal.repositories)
  }
  if (name !== undefined) visible = visible.where('name', '=', name)
  const [rows, { count }] = await Promise.all([
    visible.selectAll().orderBy('id').limit(limit).offset(offset).execute(),
    visible.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow(),
  ])
  return { repositories: rows.map(toRepository), count }
}

export async function getRepository(
  deps: Pick<RepositoriesDeps, 'db'>,
  input: { principal: Principal; id: number },
): Promise<Repository> {
  return toRepository(await findRepository(deps, input))
}

/** Runs go on to find it under GIT_BASE_URL. */
export async function deleteRepository(
  deps: Pick<RepositoriesDeps, 'db'>,
  input: { principal: Principal; id: number },
): Promise<void> {
  await findRepository(deps, input)
  const { numDeletedRows } = await deps.db
    .deleteFrom('repositories')
    .where('id', '=', input.id)
    .executeTakeFirst()
  if (numDeletedRows === 0n) throw noSuchRepository(input.id)
}

/** Asks the remote at this moment; `unavailable` with the reason when it does not answer. */
export async function listBranches(
  deps: RepositoriesDeps,
  input: { principal: Principal; id: number },
  signal: AbortSignal,
): Promise<ListBranchesResponse['branches']> {
  const row = await findRepository(deps, input)
  const contact = await contactRemote(
    deps,
    { url: row.repository_url, credentialId: row.credential_id, hostKeys: row.host_keys },
    signal,
  )
  if (!contact.ok) throw new AppError('unavailable', contact.message)
  const { branches, defaultBranch } = contact.remote
  return branches.map(({ name, commitSha }) => ({
    name,
    commit_sha: commitSha,
    is_default: name === defaultBranch,
  }))
}
