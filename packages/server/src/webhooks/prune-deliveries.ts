import { sql } from 'kysely'
import { transact, type UnitOfWorkDeps } from '../db/unit-of-work.ts'
import { disable } from './finish-attempt.ts'

/** Milliseconds that deliveries are kept, how many of one webhook, and how many of one may wait. */
export const deliveryLimits = { keptMs: 30 * 86_400_000, kept: 10_000, waiting: 50_000 }

const batchSize = 2_000

/**
 * Keeps the log of deliveries bounded: what is older than 30 days goes, and of each webhook what has
 * ended and is not among its newest 10,000. A webhook for which more than 50,000 deliveries wait is
 * disabled. Answers how many went.
 */
export async function pruneDeliveries(
  deps: UnitOfWorkDeps,
  input: { now: Date; signal: AbortSignal; limits?: typeof deliveryLimits },
): Promise<number> {
  const limits = input.limits ?? deliveryLimits
  const ids = (await deps.db.selectFrom('webhooks').select('id').execute()).map(({ id }) => id)
  let total = 0
  for (const id of ids) {
    if (input.signal.aborted) break
    total += await pruneOne(deps, id, { ...input, limits })
    await disableOverfull(deps, id, limits.waiting)
  }
  return total
}

async function pruneOne(
  deps: UnitOfWorkDeps,
  webhookId: string,
  input: { now: Date; signal: AbortSignal; limits: typeof deliveryLimits },
): Promise<number> {
  const before = new Date(input.now.getTime() - input.limits.keptMs)
  let total = 0
  while (!input.signal.aborted) {
    const result = await sql`
      with edge as (
        select coalesce((
          select number from webhook_deliveries where webhook_id = ${webhookId}
          order by number desc offset ${input.limits.kept} limit 1
        ), 0) as number
      )
      delete from webhook_deliveries where id in (
        select id from webhook_deliveries
        where webhook_id = ${webhookId} and (
          created_at < ${before}
          or (status <> 'pending' and number <= (select number from edge))
        )
        order by number limit ${batchSize}
      )`.execute(deps.db)
    const deleted = Number(result.numAffectedRows ?? 0n)
    total += deleted
    if (deleted < batchSize) break
  }
  return total
}

async function disableOverfull(deps: UnitOfWorkDeps, id: string, limit: number): Promise<void> {
  const { rows } = await sql<{ one: number }>`
    select 1 as one from webhook_deliveries
    where webhook_id = ${id} and status = 'pending' offset ${limit} limit 1`.execute(deps.db)
  if (rows.length === 0) return
  await transact(deps, (unit) =>
    disable(unit, id, `more than ${limit.toLocaleString('en')} deliveries were waiting`),
  )
}
