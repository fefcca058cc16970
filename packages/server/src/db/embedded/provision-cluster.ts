import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'

/**
 * Gives a new cluster its database and that database's owner, who is no superuser: a hole in a query
 * must not become a command on the machine. All or nothing, and nothing when it was done before.
 */
export async function provisionCluster(input: { home: string; adminUrl: string }): Promise<void> {
  const marker = join(input.home, 'provisioned')
  const done = await stat(marker).then(
    () => true,
    () => false,
  )
  if (done) return
  const client = new pg.Client({
    connectionString: input.adminUrl,
    connectionTimeoutMillis: 10_000,
    query_timeout: 30_000,
  })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rowCount } = await client.query(`select from pg_roles where rolname = 'slipway'`)
    if (rowCount === 0) {
      await client.query(`
        begin;
        create role slipway login;
        alter database postgres rename to slipway;
        alter database slipway owner to slipway;
        commit`)
    }
    await writeFile(marker, '')
  } finally {
    await client.end()
  }
}
