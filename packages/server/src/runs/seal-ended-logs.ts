import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { LogStore } from '../logs/index.ts'

/** Runs asked about at once. */
const batchSize = 1_000

/**
 * Hands to the object store what a dead writer of this data directory left open: the logs of runs that
 * ended a minute ago or longer, so that nobody goes on with them. Answers how many runs it was.
 */
export async function sealEndedLogs(
  deps: { db: Kysely<Tables>; logs: Pick<LogStore, 'listAbandoned' | 'sealAbandoned'> },
  signal: AbortSignal,
): Promise<number> {
  const { db, logs } = deps
  const runIds = new Set<string>()
  for (const key of await logs.listAbandoned('pipeline-runs/')) {
    const [, id = ''] = key.split('/')
    if (/^[0-9a-f-]{36}$/.test(id)) runIds.add(id)
  }
  const ids = [...runIds]
  let total = 0
  for (let at = 0; at < ids.length; at += batchSize) {
    for (const id of await endedOf(db, ids.slice(at, at + batchSize))) {
      signal.throwIfAborted()
      await logs.sealAbandoned(`pipeline-runs/${id}/`)
      total += 1
    }
  }
  return total
}

async function endedOf(db: Kysely<Tables>, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from runs
    where id = any(${ids}::uuid[]) and completed_at < now() - interval '1 minute'`.execute(db)
  return rows.map(({ id }) => id)
}
