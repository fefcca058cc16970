import type { ListBranchesResponse, Repository } from '@slipway/contract/repositories'
import { refuseWhileBuilt } from '../archive/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { contactRemote } from './contact-remote.ts'
import type { RepositoriesDeps } from './deps.ts'
import { findRepository, lockRepository, toRepository } from './repository-rows.ts'

/** In the order they were registered; `count` is that of all that the principal may see, with those archived or without. */
export async function listRepositories(
  { db }: Pick<RepositoriesDeps, 'db'>,
  input: {
    principal: Principal
    name?: string | undefined
    archived: boolean
    limit: number
    offset: number
  },
): Promise<{ repositories: Repository[]; count: number }> {
  const { principal, name, archived, limit, offset } = input
  let visible = db.selectFrom('repositories')
  if (!archived) visible = visible.where('archived_at', 'is', null)
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

/**
 * Runs go on to find it under GIT_BASE_URL. A `resource_conflict` while builds refer to it, unless it is
 * archived.
 */
export async function deleteRepository(
  deps: Pick<RepositoriesDeps, 'db'>,
  input: { principal: Principal; id: number },
): Promise<void> {
  const { id } = input
  await deps.db.transaction().execute(async (trx) => {
    // Behind the lock, so that a build which is being made is seen.
    const row = await lockRepository(trx, input)
    await refuseWhileBuilt(trx, { what: 'The repository', row: row, column: 'git_repository_id' })
    await trx.deleteFrom('repositories').where('id', '=', id).execute()
  })
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
