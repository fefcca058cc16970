import pg from 'pg'
import { StartupError } from '../../errors.ts'
import type { TableShape } from '../archive/manifest.ts'

const id = (name: string) => pg.escapeIdentifier(name)

/**
 * Makes tables ready to take rows in any order: empty, with the partitions they had, and without what looks
 * at other tables or counts. Answers what puts that back, which checks everything. Throws StartupError where
 * the backup has what the schema has not.
 */
export async function prepareTables(
  client: pg.Client,
  tables: readonly TableShape[],
): Promise<() => Promise<void>> {
  for (const { name, partition } of tables) {
    if (partition !== null) await addPartition(client, name, partition)
  }
  const present = await columnsOf(client)
  for (const { name, columns } of tables) {
    const there = present.get(name)
    const missing = there === undefined ? ['it'] : columns.filter((column) => !there.has(column))
    if (missing.length > 0) {
      throw new StartupError(
        `The backup has a table ${name}, and its schema has not: ${missing.join(', ')}`,
      )
    }
  }
  const { rows: references } = await client.query<{ table: string; name: string; is: string }>(`
    select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as is
      from pg_constraint
     where connamespace = current_schema()::regnamespace and contype = 'f' and conparentid = 0`)
  for (const { table, name } of references) {
    await client.query(`alter table ${table} drop constraint ${id(name)}`)
  }
  const names = [...present.keys()].map(id)
  for (const name of names) await client.query(`alter table ${name} disable trigger user`)
  // What migrations have put there is in the backup, too.
  if (names.length > 0) await client.query(`truncate ${names.join(', ')}`)
  return async () => {
    for (const { table, name, is } of references) {
      await client.query(`alter table ${table} add constraint ${id(name)} ${is}`)
    }
    for (const name of names) await client.query(`alter table ${name} enable trigger user`)
  }
}

async function addPartition(
  client: pg.Client,
  name: string,
  { of, bound }: NonNullable<TableShape['partition']>,
): Promise<void> {
  if (!/^(DEFAULT|FOR VALUES FROM \('[^']{1,100}'\) TO \('[^']{1,100}'\))$/.test(bound)) {
    throw new StartupError(`The backup has a partition ${name} of an unknown kind: ${bound}`)
  }
  await client.query(`create table if not exists ${id(name)} partition of ${id(of)} ${bound}`)
}

async function columnsOf(client: pg.Client): Promise<Map<string, Set<string>>> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(`
    select c.relname as name,
           array(select a.attname::text from pg_attribute a
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
      from pg_class c
     where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'`)
  return new Map(rows.map(({ name, columns }) => [name, new Set(columns)]))
}
