import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { LogStore } from '../logs/index.ts'

/**
 * Hands to the object store what a dead writer of this data directory left open: the logs of builds that
 * ended a minute ago or longer, so that nobody goes on with them. Answers how many it was.
 */
export async function sealBuildLogs(
  deps: { db: Kysely<Tables>; logs: Pick<LogStore, 'listAbandoned' | 'sealAbandoned'> },
  signal: AbortSignal,
): Promise<number> {
  const keys = new Map<number, string>()
  for (const key of await deps.logs.listAbandoned('builds/')) {
    const [, id = ''] = key.split('/')
    if (/^\d{1,9}$/.test(id)) keys.set(Number(id), key)
  }
  const { rows } = await sql<{ id: number }>`
    select id from builds
    where id = any(${[...keys.keys()]}::integer[]) and completed_at < now() - interval '1 minute'
  `.execute(deps.db)
  for (const { id } of rows) {
    signal.throwIfAborted()
    await deps.logs.sealAbandoned(keys.get(id) ?? '')
  }
  return rows.length
}
