import { createHash } from 'node:crypto'
import type { Repository } from '@slipway/contract/repositories'
import type { Kysely, Selectable } from 'kysely'
import { canSee } from '../access/index.ts'
import type { RepositoriesTable, Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { RepositoriesDeps } from './deps.ts'

export type RepositoryRow = Selectable<RepositoriesTable>

export function toRepository(row: RepositoryRow): Repository {
  const { host_keys: hostKeys, archived_at: archivedAt, ...shown } = row
  return {
    ...shown,
    verified_at: row.verified_at?.toISOString() ?? null,
    host_key_fingerprints: fingerprints(hostKeys ?? ''),
    archived: archivedAt !== null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

/** `SHA256:…` of each line of known_hosts, as ssh-keygen -l shows it. */
function fingerprints(hostKeys: string): string[] {
  const keys = hostKeys.split('\n').flatMap((line) => {
    const [, , key] = line.trim().split(/\s+/)
    return line.startsWith('#') || key === undefined ? [] : [key]
  })
  return keys.map((key) => {
    const digest = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64')
    return `SHA256:${digest.replace(/=+$/, '')}`
  })
}

/** The row of a repository that the principal may see; `resource_not_found` otherwise. */
export async function findRepository(
  { db }: Pick<RepositoriesDeps, 'db'>,
  input: { principal: Principal; id: number },
): Promise<RepositoryRow> {
  const row = await db
    .selectFrom('repositories')
    .selectAll()
    .where('id', '=', input.id)
    .executeTakeFirst()
  if (row === undefined || !canSee(input.principal, row.name)) throw noSuchRepository(input.id)
  return row
}

/** The same, which nobody else changes until the end of the transaction. */
export async function lockRepository(
  trx: Kysely<Tables>,
  input: { principal: Principal; id: number },
): Promise<RepositoryRow> {
  const row = await trx
    .selectFrom('repositories')
    .selectAll()
    .where('id', '=', input.id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined || !canSee(input.principal, row.name)) throw noSuchRepository(input.id)
  return row
}

export function noSuchRepository(id: number): AppError {
  return new AppError('resource_not_found', `There is no repository ${id}`)
}

export function nameTaken(name: string): AppError {
  return new AppError('resource_conflict', `There is a repository with the name ${name} already`, {
    name,
  })
}
