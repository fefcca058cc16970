import { sql } from 'kysely'
import { transact, type UnitOfWorkDeps } from '../../db/unit-of-work.ts'
import { type Duty, type DutyDeps, startDuty } from '../../duties/index.ts'
import { lockRepository, markRunsChanged } from '../lock-repository.ts'
import { dayMs } from './deps.ts'

/** Days that runs are kept: figures go back 365 days. */
const keptDays = 400
const batchSize = 1_000

/**
 * Deletes runs that no figure needs any more; the newest of each workflow and branch stays, as long as
 * anybody watches or asks for the repository.
 */
export function startPruning(deps: UnitOfWorkDeps & DutyDeps): Duty {
  return startDuty(deps, {
    name: 'github actions retention',
    everyMs: 3_600_000,
    async run(signal) {
      const before = new Date(Date.now() - keptDays * dayMs)
      const { rows } = await sql<{ id: number }>`
        select id from monitored_repositories order by id`.execute(deps.db)
      for (const { id } of rows) {
        while (!signal.aborted && (await deleteSome(deps, id, before)) === batchSize) continue
      }
      // What nobody has asked for since then, or GitHub has not had: few of its runs are left by now.
      await sql`
        delete from monitored_repositories
        where (source = 'read' and coalesce(polled_at, created_at) < ${before})
           or (source <> 'configured' and lost_at < ${before})`.execute(deps.db)
    },
  })
}

async function deleteSome(
  deps: UnitOfWorkDeps,
  repositoryId: number,
  before: Date,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    select id from workflow_runs r
    where repository_id = ${repositoryId} and created_at < ${before}
      and not exists (select from newest_workflow_runs n where n.run_id = r.id)
    order by created_at limit ${batchSize}`.execute(deps.db)
  const ids = rows.map(({ id }) => id)
  if (ids.length === 0) return 0
  await transact(deps, async (unit) => {
    await lockRepository(unit, repositoryId)
    await sql`delete from workflow_jobs where run_id = any(${ids}::bigint[])`.execute(unit.trx)
    await sql`delete from workflow_runs where id = any(${ids}::bigint[])`.execute(unit.trx)
    await markRunsChanged(unit, repositoryId)
  })
  return ids.length
}
