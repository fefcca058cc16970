import type { ContainerRegistry } from '@slipway/contract/registries'
import type { Kysely, Selectable } from 'kysely'
import type { ContainerRegistriesTable, Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'

export type RegistryRow = Selectable<ContainerRegistriesTable>

export function toRegistry(row: RegistryRow): ContainerRegistry {
  const { archived_at: archivedAt, ...shown } = row
  return {
    ...shown,
    verified_at: row.verified_at?.toISOString() ?? null,
    archived: archivedAt !== null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

/** `resource_not_found` where there is none. */
export async function findRegistry(db: Kysely<Tables>, id: number): Promise<RegistryRow> {
  const row = await db
    .selectFrom('container_registries')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw noSuchRegistry(id)
  return row
}

export function noSuchRegistry(id: number): AppError {
  return new AppError('resource_not_found', `There is no registry ${id}`)
}

export function nameTaken(name: string): AppError {
  return new AppError('resource_conflict', `There is a registry with the name ${name} already`, {
    name,
  })
}
