import { sql } from 'kysely'
import { type Duty, type DutyDeps, startDuty } from '../duties/index.ts'
import { workflowEvents } from '../monitor/index.ts'
import type { GithubDeps } from './deps.ts'
import { type DueDelivery, handleDelivery } from './handle-delivery.ts'

/** Longest time between two looks: another server may have taken a delivery. */
const pollMs = 2_000
const batchSize = 100

/** Does what deliveries ask for, those of one repository in the order in which they came. */
export function startHandling(deps: GithubDeps & DutyDeps): Duty {
  return startDuty(deps, {
    name: 'github deliveries',
    everyMs: pollMs,
    run: (signal) => handleDue(deps, signal),
  })
}

async function handleDue(deps: GithubDeps & DutyDeps, signal: AbortSignal): Promise<number> {
  /** Repositories of which one could not be done: what came later waits for it. */
  const held = new Set<string>()
  const due = await findDue(deps)
  for (const delivery of due) {
    if (signal.aborted) break
    if (held.has(delivery.repository)) continue
    const follow = await handleDelivery(deps, delivery, signal)
    if (!follow) held.add(delivery.repository)
  }
  return due.length === batchSize && held.size === 0 ? 0 : pollMs
}

/** The oldest that are due, but none behind one of its repository that waits to be tried again. */
async function findDue({ db }: GithubDeps): Promise<DueDelivery[]> {
  const { rows } = await sql<DueDelivery>`
    select d.number, d.repository, d.wanted, d.attempt, d.received_at as "receivedAt"
    from github_deliveries d
    where d.status = 'pending' and d.next_attempt_at <= now()
      and d.event <> all(${workflowEvents}::text[]) and not exists (
      select from github_deliveries earlier
      where earlier.status = 'pending' and earlier.repository = d.repository
        and earlier.event <> all(${workflowEvents}::text[])
        and earlier.number < d.number and earlier.next_attempt_at > now()
        -- A new tag waits for its push, and nobody for it.
        and (earlier.wanted->>'kind' <> 'tag' or earlier.attempt > 0)
    )
    order by d.number limit ${batchSize}`.execute(db)
  return rows
}
