import type {
  CreateRepositoryRequest,
  Repository,
  UpdateRepositoryRequest,
} from '@slipway/contract/repositories'
import type { Transaction } from 'kysely'
import { requireUnlimited, requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import { protocolOf, repositoryUrl } from '../git/index.ts'
import type { Principal } from '../ports/identity.ts'
import { checkRepository } from './check-repository.ts'
import type { RepositoriesDeps } from './deps.ts'
import { credentialFor } from './locate-repository.ts'
import { lockRepository, nameTaken, type RepositoryRow, toRepository } from './repository-rows.ts'
import { verifyRow } from './verify-repository.ts'

/** Registers a repository, then contacts it: one that cannot be reached is there, unverified, with the reason. */
export async function createRepository(
  deps: RepositoriesDeps,
  input: { principal: Principal; request: CreateRepositoryRequest },
  signal: AbortSignal,
): Promise<Repository> {
  const { principal, request } = input
  requireVisible(principal, request.name)
  guardCredential(principal, request.credential_id)
  await checkRepository(deps, request)
  guardPlace(deps, principal, request)
  const now = new Date()
  const row = await deps.db
    .insertInto('repositories')
    .values({
      name: request.name,
      repository_url: request.repository_url,
      credential_id: request.credential_id ?? null,
      default_branch: request.default_branch ?? null,
      description: request.description ?? null,
      created_by: principal.name,
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returningAll()
    .executeTakeFirst()
    .catch((error: unknown) => refuseWrite(error, request))
  if (row === undefined) throw nameTaken(request.name)
  return toRepository(await verifyRow(deps, row, signal))
}

/** Changes what the request names. Another URL or credential is contacted anew, and pins nothing of the old. */
export async function updateRepository(
  deps: RepositoriesDeps,
  input: { principal: Principal; id: number; request: UpdateRepositoryRequest },
  signal: AbortSignal,
): Promise<Repository> {
  const { row, changesWay } = await deps.db
    .transaction()
    .execute((trx) => changeRepository({ ...deps, db: trx }, trx, input))
  return toRepository(changesWay ? await verifyRow(deps, row, signal) : row)
}

async function changeRepository(
  deps: RepositoriesDeps,
  trx: Transaction<Tables>,
  input: { principal: Principal; id: number; request: UpdateRepositoryRequest },
): Promise<{ row: RepositoryRow; changesWay: boolean }> {
  const { principal, id, request } = input
  // Locked: what is allowed of it as it was found is done to it as it was found.
  const before = await lockRepository(trx, input)
  if (request.name !== undefined) requireVisible(principal, request.name)
  guardCredential(principal, before.credential_id)
  guardCredential(principal, request.credential_id)
  await checkRepository(deps, request)
  guardPlace(deps, principal, { name: before.name, ...request })
  const { repository_url: url = before.repository_url } = request
  const moves = url !== before.repository_url
  const changesWay =
    moves || (request.credential_id !== undefined && request.credential_id !== before.credential_id)
  const { archived, ...plain } = request
  const now = new Date()
  const unverified = { is_verified: false, verification_message: null, verified_at: null }
  const row = await trx
    .updateTable('repositories')
    .set({ ...plain, updated_at: now })
    .$if(archived === true, (query) =>
      query.set((eb) => ({ archived_at: eb.fn.coalesce('archived_at', eb.val(now)) })),
    )
    .$if(archived === false, (query) => query.set({ archived_at: null }))
    .$if(changesWay, (query) => query.set(unverified))
    .$if(moves, (query) => query.set({ host_keys: null }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
    .catch((error: unknown) => refuseWrite(error, request))
  return { row, changesWay }
}

/** What another request made of the names and the credential since they were looked at. */
function refuseWrite(
  error: unknown,
  { name = '', credential_id: credentialId }: UpdateRepositoryRequest,
): never {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === '23505') throw nameTaken(name)
  if (code === '23503') {
    throw new AppError('resource_not_found', `There is no credential ${credentialId}`)
  }
  throw error
}

/** Whoever says where a credential is sent could have it sent to themselves. */
function guardCredential(principal: Principal, credentialId: number | null | undefined): void {
  if (typeof credentialId === 'number')
    requireUnlimited(principal, 'Repositories with a credential')
}

/**
 * What the server may read by itself, with the default credential or on this machine, is more than a
 * token limited to repositories may see: it does not get at the rest by giving it one of its own names.
 */
function guardPlace(
  deps: RepositoriesDeps,
  principal: Principal,
  request: { name: string; repository_url?: string | undefined },
): void {
  const { name, repository_url: url } = request
  if (url === undefined || url === repositoryUrl(deps.gitBaseUrl, name)) return
  if (protocolOf(url) === 'file') requireUnlimited(principal, 'Repositories of this machine')
  if (credentialFor(deps, { url, credentialId: null }) === null) return
  requireUnlimited(principal, 'Repositories that the default credential opens')
}
