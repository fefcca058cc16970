import type pg from 'pg'
import type { Manifest, SequenceState, TableShape } from '../archive/manifest.ts'

type Described = Pick<Manifest, 'postgres' | 'migrations' | 'tables'>

/** What is in a database, as the transaction of `client` sees it. */
export async function describeDatabase(client: pg.Client): Promise<Described> {
  const { rows: versions } = await client.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  )
  const { rows: migrations } = await client.query<{ name: string; checksum: string }>(
    'select name, checksum from schema_migrations order by name',
  )
  return { postgres: versions[0]?.version ?? '', migrations, tables: await listTables(client) }
}

/** Tables that hold rows themselves, by their names. */
async function listTables(client: pg.Client): Promise<TableShape[]> {
  const { rows } = await client.query<{
    name: string
    columns: string[]
    parent: string | null
    bound: string | null
  }>(`
    select c.relname as name, p.relname as parent, pg_get_expr(c.relpartbound, c.oid) as bound,
           array(select a.attname::text from pg_attribute a
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                    and a.attgenerated = '' order by a.attnum) as columns
      from pg_class c
      left join pg_inherits i on i.inhrelid = c.oid
      left join pg_class p on p.oid = i.inhparent
     where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
       and c.relpersistence = 'p'
     order by c.relname collate "C"`)
  return rows.map(({ name, columns, parent, bound }) => ({
    name,
    columns,
    partition: parent === null || bound === null ? null : { of: parent, bound },
  }))
}

/** Read behind the tables, whose rows then have no number that is still to come. */
export async function readSequences(client: pg.Client): Promise<SequenceState[]> {
  const { rows } = await client.query<{ name: string; value: string; called: boolean }>(`
    select sequencename as name, coalesce(last_value, start_value)::text as value,
           last_value is not null as called
      from pg_sequences where schemaname = current_schema() order by 1`)
  return rows
}
