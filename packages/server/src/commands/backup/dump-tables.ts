import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import type { TableShape } from '../archive/manifest.ts'
import type { ArchiveWriter } from '../archive/write-archive.ts'

/** What a partition is called in errors that its end has overtaken us. */
const undefinedTable = '42P01'

/** Writes the rows of tables as the transaction of `client` sees them; answers how many. */
export async function dumpTables(
  client: pg.Client,
  archive: ArchiveWriter,
  tables: readonly TableShape[],
): Promise<number> {
  let rows = 0
  for (const table of tables) {
    const columns = table.columns.map((column) => pg.escapeIdentifier(column)).join(', ')
    const name = pg.escapeIdentifier(table.name)
    if (table.partition !== null && !(await isThere(client, name))) continue
    const stream = client.query(copyTo(`copy ${name} (${columns}) to stdout`))
    await archive.put(`tables/${table.name}`, stream as AsyncIterable<Buffer>)
    rows += stream.rowCount
  }
  return rows
}

/** A day of finished jobs may have been dropped since the snapshot; once it is locked, it stays. */
async function isThere(client: pg.Client, name: string): Promise<boolean> {
  await client.query('savepoint before_lock')
  try {
    await client.query(`lock table ${name} in access share mode`)
    await client.query('release savepoint before_lock')
    return true
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== undefinedTable) throw error
    await client.query('rollback to savepoint before_lock')
    return false
  }
}
