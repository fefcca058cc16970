import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import { lockDelegation } from '../delegation-rows.ts'
import { endWithJob } from '../end-delegation.ts'
import type { RunnersDeps } from '../deps.ts'

/** Milliseconds without a word of a proxy or its hooks after which its jobs are lost. */
export const silentMs = 15 * 60_000
const batchSize = 100

/**
 * Ends the jobs whose hooks and proxy have said nothing for too long: nobody would ever clean them up. A
 * proxy does one job at a time: once it has another, that it is there says nothing of the one before. One
 * whose proxy did say how it ended, ends so. Answers how many it was.
 */
export async function endSilent(
  deps: Pick<RunnersDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'wakeDispatch' | 'stopJobs'>,
  input: { before: Date; signal: AbortSignal },
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    select d.id from delegations d
     where d.source = 'proxy' and d.status in ('queued', 'assigned', 'running')
       and jsonb_typeof(d.definition->'container') = 'object'
       and d.updated_at < ${input.before}
       and not exists (
         select from runners r
          where r.type = 'proxy' and r.name = d.proxy_runner and r.last_heartbeat >= ${input.before}
            and (r.repository is null or r.repository = d.repository)
            and not exists (
              select from delegations later
               where later.proxy_runner = r.name and later.source = 'proxy'
                 and later.status in ('queued', 'assigned', 'running')
                 and (r.repository is null or later.repository = r.repository)
                 and later.created_at > d.created_at))
     order by d.updated_at limit ${batchSize}`.execute(deps.db)
  let ended = 0
  for (const { id } of rows) {
    if (input.signal.aborted) break
    ended += await transact(deps, async (unit) => {
      const delegation = await lockDelegation(unit.trx, { delegation: id })
      // Something may have been said before it was locked.
      if (delegation === null || delegation.updatedAt >= input.before) return 0
      const said = delegation.proxyStatus as 'completed' | 'failed' | 'cancelled' | null
      const end = { status: said ?? 'failed', reason: said === null ? 'lost' : null } as const
      return (await endWithJob(deps, unit, delegation, end)) ? 1 : 0
    })
  }
  return ended
}
