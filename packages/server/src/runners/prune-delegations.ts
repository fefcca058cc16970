import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { transact } from '../db/unit-of-work.ts'
import { lockDelegation } from './delegation-rows.ts'
import { countWithin } from '../retention/index.ts'
import type { RunnersDeps } from './deps.ts'
import { endDelegation } from './end-delegation.ts'

const batchSize = 100
/** Milliseconds without a word after which a job that others report is lost. */
export const wordlessMs = 24 * 3_600_000

/**
 * Deletes the logs of delegations that ended before `logsBefore`, and those that ended before
 * `before`, with their logs. Answers how many it deleted.
 */
export async function pruneDelegations(
  deps: Pick<RunnersDeps, 'db' | 'logs'>,
  input: { before: Date; logsBefore: Date; signal: AbortSignal },
): Promise<number> {
  const { before, signal } = input
  const logsBefore = new Date(Math.max(before.getTime(), input.logsBefore.getTime()))
  for (let count = batchSize; count === batchSize && !signal.aborted;) {
    count = await deleteLogs(deps, { logsBefore, signal })
  }
  let deleted = 0
  for (let count = batchSize; count === batchSize && !signal.aborted; deleted += count) {
    const { rows } = await sql`
      delete from delegations where id in (
        select id from delegations
         where completed_at < ${before} and logs_deleted_at is not null
         order by completed_at limit ${batchSize} for update skip locked)
      returning id`.execute(deps.db)
    count = rows.length
  }
  await sql`
    delete from delegation_counts
     where count = 0 and day < extract(epoch from ${before}::timestamptz) / 86400 - 1`.execute(
    deps.db,
  )
  return deleted
}

/** How many delegations that ended before would go, up to a bound; null where that takes too long to say. */
export function countOldDelegations(
  { db }: Pick<RunnersDeps, 'db'>,
  { before }: { before: Date },
): Promise<number | null> {
  return countWithin(db, sql`select from delegations where completed_at < ${before}`)
}

/** The same of those whose logs would go. */
export function countOldDelegationLogs(
  { db }: Pick<RunnersDeps, 'db'>,
  { before }: { before: Date },
): Promise<number | null> {
  return countWithin(
    db,
    sql`select from delegations where completed_at < ${before} and logs_deleted_at is null`,
  )
}

/** Forgets the runners that are offline, and of which nothing was heard since `before`. */
export async function pruneRunners(
  { db }: { db: Kysely<Tables> },
  { before }: { before: Date },
): Promise<void> {
  await sql`
    delete from runners
     where type in ('proxy', 'dedicated') and status = 'offline' and last_heartbeat < ${before}`.execute(
    db,
  )
}

async function deleteLogs(
  { db, logs }: Pick<RunnersDeps, 'db' | 'logs'>,
  { logsBefore, signal }: { logsBefore: Date; signal: AbortSignal },
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select id from delegations
     where completed_at < ${logsBefore} and logs_deleted_at is null
     order by completed_at limit ${batchSize}`.execute(db)
  let count = 0
  for (const { id } of rows) {
    if (signal.aborted) break
    await logs.deletePrefix(`delegations/${id}/`)
    // Last: after a crash in between they are deleted once more.
    await sql`update delegations set logs_deleted_at = now() where id = ${id}::uuid`.execute(db)
    count += 1
  }
  return count
}

/**
 * Hands to the object store what a dead writer of this data directory left open: the logs of delegations
 * that ended a minute ago or longer, so that nobody goes on with them. Answers how many it was.
 */
export async function sealDelegationLogs(
  { db, logs }: { db: Kysely<Tables>; logs: RunnersDeps['logs'] },
  signal: AbortSignal,
): Promise<number> {
  const keys = await logs.listAbandoned('delegations/')
  const { rows } = await sql<{ log_key: string }>`
    select log_key from delegations
     where log_key = any(${keys}::text[]) and completed_at < now() - interval '1 minute'
       and id = any(${keys.map((key) => key.split('/')[1] ?? '').filter(isUuid)}::uuid[])`.execute(
    db,
  )
  for (const { log_key } of rows) {
    signal.throwIfAborted()
    await logs.sealAbandoned(log_key)
  }
  return rows.length
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}

/** Ends the jobs that others run, and have said nothing of for a day, as lost. Answers how many it was. */
export async function endWordless(
  deps: Pick<RunnersDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'wakeDispatch'>,
  input: { before: Date; signal: AbortSignal },
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select id from delegations
     where ledger_job_id is null and status in ('assigned', 'running') and updated_at < ${input.before}
     order by updated_at limit ${batchSize}`.execute(deps.db)
  let ended = 0
  for (const { id } of rows) {
    if (input.signal.aborted) break
    ended += await transact(deps, async (unit) => {
      const delegation = await lockDelegation(unit.trx, { delegation: id })
      // Something may have been said before it was locked.
      if (delegation === null || delegation.updatedAt >= input.before) return 0
      const end = { status: 'failed', reason: 'lost' } as const
      return (await endDelegation(deps, unit, delegation, end)) ? 1 : 0
    })
  }
  return ended
}
