import { sql } from 'kysely'
import { type Duty, type DutyDeps, startDuty } from '../duties/index.ts'

/** Days that a delivery is known again, a pull request is shown, and a report waits for a way to be sent. */
const keptDays = { deliveries: 30, pullRequests: 90, reports: 2 }
const batchSize = 2_000

/** Keeps what this room stores bounded by its age. */
export function startPruning(deps: DutyDeps): Duty {
  return startDuty(deps, {
    name: 'github retention',
    everyMs: 3_600_000,
    run: (signal) => prune(deps, signal),
  })
}

async function prune({ db }: DutyDeps, signal: AbortSignal): Promise<void> {
  let deleted = batchSize
  while (deleted === batchSize && !signal.aborted) {
    const result = await sql`
      delete from github_deliveries where delivery_id in (
        select delivery_id from github_deliveries
        where received_at < now() - ${keptDays.deliveries}::int * interval '1 day'
        order by received_at limit ${batchSize}
      )`.execute(db)
    deleted = Number(result.numAffectedRows ?? 0n)
  }
  await sql`
    delete from github_pull_requests
    where received_at < now() - ${keptDays.pullRequests}::int * interval '1 day'`.execute(db)
  await sql`
    delete from github_reports
    where since < now() - ${keptDays.reports}::int * interval '1 day'`.execute(db)
}
