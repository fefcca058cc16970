import type { Configuration } from '@slipway/contract/configurations'
import type { Kysely, Selectable } from 'kysely'
import type { ConfigurationsTable, Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'

export type ConfigurationRow = Selectable<ConfigurationsTable>

/** What they are called where a token may not see them. */
export const things = 'Configurations'

export function toConfiguration(row: ConfigurationRow): Configuration {
  const { archived_at: archivedAt, ...shown } = row
  return {
    ...shown,
    settings: row.settings as Configuration['settings'],
    targets: row.targets as Configuration['targets'],
    archived: archivedAt !== null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

export async function findConfiguration(db: Kysely<Tables>, id: number): Promise<ConfigurationRow> {
  const row = await db
    .selectFrom('configurations')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw noSuchConfiguration(id)
  return row
}

export function noSuchConfiguration(id: number): AppError {
  return new AppError('resource_not_found', `There is no configuration ${id}`)
}

export function nameTaken(name: string): AppError {
  return new AppError(
    'resource_conflict',
    `There is a configuration with the name ${name} already`,
    { name },
  )
}
