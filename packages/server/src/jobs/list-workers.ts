import type { ListWorkersResponse, Worker } from '@slipway/contract/worker-api'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'

/** Processes that take jobs or hold duties, the newest first. */
export async function listWorkers(
  deps: { db: Kysely<Tables> },
  input: { limit: number; offset: number },
): Promise<ListWorkersResponse> {
  const { limit, offset } = input
  const [page, counted] = await Promise.all([
    select(deps, sql`order by started_at desc, id limit ${limit} offset ${offset}`),
    sql<{ total: number }>`select count(*)::integer as total from workers`.execute(deps.db),
  ])
  return { workers: page, total: counted.rows[0]?.total ?? 0, limit, offset }
}

/**
 * Has a worker take no new jobs; it ends when those in hand are done, unless it is part of a server.
 * Repeating is harmless. `resource_not_found` when there is no such worker.
 */
export async function drainWorker(
  deps: { db: Kysely<Tables> },
  input: { workerId: string },
): Promise<Worker> {
  const { workerId } = input
  await sql`update workers set draining = true where id = ${workerId}::uuid`.execute(deps.db)
  const [worker] = await select(deps, sql`where id = ${workerId}::uuid`)
  if (worker === undefined) {
    throw new AppError('resource_not_found', `There is no worker ${workerId}`)
  }
  return worker
}

async function select(
  { db }: { db: Kysely<Tables> },
  which: RawBuilder<unknown>,
): Promise<Worker[]> {
  const { rows } = await sql<Row>`
    with page as materialized (select * from workers ${which})
    select id, name, case when principal is null then 'server' else 'remote' end as kind, types,
           capacity, version, principal_name as registered_by, draining, started_at, last_seen_at,
           (select count(*)::integer from jobs
             where jobs.worker_id = page.id and jobs.state = 'running') as in_hand
      from page order by started_at desc, id`.execute(db)
  return rows.map((row) => ({
    ...row,
    started_at: row.started_at.toISOString(),
    last_seen_at: row.last_seen_at.toISOString(),
  }))
}

type Row = Omit<Worker, 'started_at' | 'last_seen_at'> & { started_at: Date; last_seen_at: Date }
