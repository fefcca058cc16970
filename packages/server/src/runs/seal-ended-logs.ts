import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { LogStore } from '../logs/index.ts'

/** Runs asked about at once. */
const batchSize = 1_000

/**
 * Hands to the object store what a dead writer of this data directory left open: the logs of runs that
 * ended a minute ago or longer, so that nobody goes on with them. Answers how many runs it was. Deletes what is
 * there of runs whose logs retention has taken.
 */
export async function sealEndedLogs(
  deps: {
    db: Kysely<Tables>
    logs: Pick<LogStore, 'listAbandoned' | 'sealAbandoned' | 'deletePrefix'>
  },
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
    const batch = ids.slice(at, at + batchSize)
    for (const id of await endedOf(db, batch)) {
      signal.throwIfAborted()
      await logs.sealAbandoned(`pipeline-runs/${id}/`)
      total += 1
    }
    for (const id of await unwantedOf(db, batch)) {
      signal.throwIfAborted()
      await logs.deletePrefix(`pipeline-runs/${id}/`)
    }
  }
  return total
}

async function endedOf(db: Kysely<Tables>, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from runs
    where id = any(${ids}::uuid[]) and completed_at < now() - interval '1 minute'
      and logs_deleted_at is null`.execute(db)
  return rows.map(({ id }) => id)
}

/** Retention has taken these runs, or their logs, while the server that has some was away. */
async function unwantedOf(db: Kysely<Tables>, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select wanted.id::text as id from unnest(${ids}::uuid[]) as wanted (id)
      left join runs on runs.id = wanted.id
     where runs.id is null or runs.logs_deleted_at is not null`.execute(db)
  return rows.map(({ id }) => id)
}
