/**
 * A process that owns an embedded PostgreSQL, for tests that kill it: `database-owner.ts <data directory>`.
 * Prints a JSON line when PostgreSQL answers, or when it could not be started; stops at the end of its input.
 */
import { startEmbeddedPostgres } from '../../packages/server/src/db/embedded/start-embedded-postgres.ts'
import { quietLog } from './quiet-log.ts'

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

try {
  const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '', log: quietLog })
  say({ url: server.url, adminUrl: server.adminUrl })
  process.stdin.resume()
  process.stdin.once('end', () => void server.stop())
} catch (error) {
  say({ error: (error as Error).message, name: (error as Error).name })
}
