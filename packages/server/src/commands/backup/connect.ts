import pg from 'pg'
import { StartupError } from '../../errors.ts'

const connectMs = 10_000

/** A connection of its own whose statements take as long as they take. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'slipway backup',
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
  })
  // What breaks is told to whoever uses it.
  client.on('error', () => undefined)
  try {
    await client.connect()
    // What is written the same way everywhere is read everywhere.
    await client.query(`
      set statement_timeout = 0; set lock_timeout = '60s'; set idle_in_transaction_session_timeout = 0;
      set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC';
      set bytea_output = 'hex'; set extra_float_digits = 1; set client_encoding = 'UTF8'`)
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartupError(`The database cannot be used: ${reason}`, { cause: error })
  }
}
