import { type Kysely, sql, type Transaction } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { transact, type UnitOfWork, type UnitOfWorkDeps } from '../db/unit-of-work.ts'
import { commitLazily } from './commit-lazily.ts'

/** What an attempt came to. */
export interface AttemptResult {
  durationMs: number
  responseStatus: number | null
  responseExcerpt: string | null
  /** Null: it was delivered. */
  error: string | null
}

interface Attempt {
  id: string
  attempt: number
  webhook_id: string
}

const dead = { mostInRow: 20, failingDays: 3 }
const dayMs = 86_400_000

/** A delivery has arrived. One that arrives after its lease was lost has arrived all the same. */
export async function finishDelivered(
  db: Kysely<Tables>,
  { id, attempt }: Attempt,
  result: AttemptResult,
): Promise<void> {
  await sql`
    with ended as (
      update webhook_deliveries set status = 'delivered', completed_at = now(), next_attempt_at = null
      from ${commitLazily} where id = ${id} and status = 'pending' returning webhook_id
    ), written as (${writeAttempt(id, attempt, result)})
    update webhooks set dead_in_row = 0, failing_since = null
    from ended
    where webhooks.id = ended.webhook_id and (dead_in_row > 0 or failing_since is not null)
  `.execute(db)
}

/**
 * An attempt has failed: it is made again in `retryMs`, or never when that is null. A webhook of which
 * nothing arrives for too long is disabled, and `gone` disables it at once; a `webhook.disabled` event
 * says so. Answers the reason of that, or null.
 */
export async function finishFailed(
  deps: UnitOfWorkDeps,
  claimed: Attempt,
  outcome: { result: AttemptResult; retryMs: number | null; gone: boolean },
): Promise<string | null> {
  const { id, attempt, webhook_id } = claimed
  const { result, retryMs, gone } = outcome
  return transact(deps, async (unit) => {
    await writeAttempt(id, attempt, result).execute(unit.trx)
    const ends = gone || retryMs === null
    const changed = await sql`
      update webhook_deliveries set ${
        ends
          ? sql`status = 'dead', completed_at = now(), next_attempt_at = null`
          : sql`next_attempt_at = now() + ${retryMs}::float8 * interval '1 ms'`
      } where id = ${id} and attempt = ${attempt} and status = 'pending'`.execute(unit.trx)
    // Somebody else has it by now, or it was deleted.
    if (changed.numAffectedRows !== 1n) return null
    const health = await countFailure(unit.trx, webhook_id, ends)
    const reason = gone
      ? 'the target answered that it is gone (410)'
      : ends && health !== undefined
        ? whyDisable(health, unit.now)
        : null
    return reason !== null && (await disable(unit, webhook_id, reason)) ? reason : null
  })
}

interface Health {
  dead_in_row: number
  failing_since: Date | null
}

function whyDisable({ dead_in_row, failing_since }: Health, now: Date): string | null {
  if (dead_in_row >= dead.mostInRow) return `${dead_in_row} deliveries in a row came to nothing`
  const since = failing_since?.getTime() ?? now.getTime()
  if (now.getTime() - since < dead.failingDays * dayMs) return null
  return `no delivery has succeeded since ${failing_since?.toISOString()}`
}

/** Turns it off and says why, unless it is off already. */
export async function disable(unit: UnitOfWork, id: string, reason: string): Promise<boolean> {
  const row = await unit.trx
    .updateTable('webhooks')
    .set({ enabled: false, disabled_reason: reason, updated_at: unit.now })
    .where('id', '=', id)
    .where('enabled', '=', true)
    .returning('repositories')
    .executeTakeFirst()
  if (row === undefined) return false
  const [only, ...others] = row.repositories ?? []
  unit.emit({
    type: 'webhook.disabled',
    data: { webhook_id: id, reason },
    repository: only !== undefined && others.length === 0 ? only : null,
    runId: null,
  })
  return true
}

function writeAttempt(id: string, attempt: number, result: AttemptResult) {
  return sql`
    update webhook_attempts
    set duration_ms = ${result.durationMs}, response_status = ${result.responseStatus},
        response_excerpt = ${result.responseExcerpt}, error = ${result.error}
    where delivery_id = ${id} and attempt = ${attempt}`
}

async function countFailure(
  trx: Transaction<Tables>,
  webhookId: string,
  ends: boolean,
): Promise<Health | undefined> {
  const { rows } = await sql<Health>`
    update webhooks
    set dead_in_row = dead_in_row + ${ends ? 1 : 0}, failing_since = coalesce(failing_since, now())
    where id = ${webhookId} and (${ends} or failing_since is null)
    returning dead_in_row, failing_since`.execute(trx)
  return rows[0]
}
