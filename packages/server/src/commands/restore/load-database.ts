import { once } from 'node:events'
import pg from 'pg'
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams'
import { createMigrationsTable, type Migration } from '../../db/migrate.ts'
import { StartupError } from '../../errors.ts'
import type { Manifest, SequenceState, TableShape } from '../archive/manifest.ts'
import { prepareTables } from './prepare-tables.ts'

export interface DatabaseLoader {
  /** Rows of a table as COPY wrote them, in their order, cut anywhere. */
  rows(table: string, content: Buffer): Promise<void>
  sequences(states: readonly SequenceState[]): Promise<void>
  /** Everything has come: checks it, and has what refers to the directory it was made in refer to this one. */
  complete(home: { was: string | null; is: string }): Promise<void>
}

/**
 * Begins the transaction in which an empty database (its schema) becomes that of a backup: the schema of
 * then, the rows, all that keeps them in order. Whoever closes the connection before the commit has changed nothing.
 */
export async function loadDatabase(
  client: pg.Client,
  input: { manifest: Manifest; known: readonly Migration[] },
): Promise<DatabaseLoader> {
  const { manifest, known } = input
  for (const { name } of manifest.migrations) {
    await client.query(known.find((migration) => migration.name === name)?.sql ?? '')
  }
  await client.query(createMigrationsTable)
  const complete = await prepareTables(client, manifest.tables)
  const shapes = new Map(manifest.tables.map((table) => [table.name, table]))
  let current: { table: string; stream: CopyStreamQuery } | null = null
  let failure: Error | null = null

  const endTable = async () => {
    if (current === null) return
    const { stream } = current
    current = null
    if (failure !== null) throw failure
    const finished = once(stream, 'finish')
    stream.end()
    await finished
  }

  return {
    async rows(table, content) {
      if (current?.table !== table) {
        await endTable()
        const shape = shapes.get(table)
        if (shape === undefined) throw new StartupError(`The backup has rows of no table: ${table}`)
        const stream = client.query(copyFrom(copyStatement(shape)))
        // A row that the table does not take is told of at any time.
        stream.on('error', (error) => (failure ??= error))
        current = { table, stream }
      }
      const { stream } = current
      await new Promise<void>((resolve, reject) => {
        if (failure !== null) return reject(failure)
        stream.write(content, (error) => (error == null ? resolve() : reject(failure ?? error)))
      })
    },

    async sequences(states) {
      await endTable()
      for (const { name, value, called } of states) {
        await client.query('select setval($1::text::regclass, $2::bigint, $3)', [
          pg.escapeIdentifier(name),
          value,
          called,
        ])
      }
    },

    async complete(home) {
      await endTable()
      await complete()
      await moveHome(client, home)
    },
  }
}

function copyStatement({ name, columns }: TableShape): string {
  const list = columns.map((column) => pg.escapeIdentifier(column)).join(', ')
  return `copy ${pg.escapeIdentifier(name)} (${list}) from stdin`
}

/** Nobody is alive in what was restored; what was done from the old directory is gone on with from this one. */
async function moveHome(
  client: pg.Client,
  home: { was: string | null; is: string },
): Promise<void> {
  const { rows } = await client.query<{ name: string; hasHome: boolean }>(`
    select c.relname as name,
           exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'home'
                      and not a.attisdropped) as "hasHome"
      from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'`)
  for (const { name } of rows.filter((table) => ['servers', 'leases'].includes(table.name))) {
    await client.query(`delete from ${pg.escapeIdentifier(name)}`)
  }
  if (home.was === null) return
  for (const { name } of rows.filter(({ hasHome }) => hasHome)) {
    const statement = `update ${pg.escapeIdentifier(name)} set home = $1 where home = $2`
    await client.query(statement, [home.is, home.was])
  }
}
