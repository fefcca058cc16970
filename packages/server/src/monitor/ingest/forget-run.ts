import { sql } from 'kysely'
import { transact, type UnitOfWorkDeps } from '../../db/unit-of-work.ts'
import { lockRepository, markRunsChanged } from '../lock-repository.ts'

/** Somebody has deleted it at GitHub. The one before it is the newest of its workflow and branch then. */
export async function forgetRun(
  deps: UnitOfWorkDeps,
  { repositoryId, runId }: { repositoryId: number; runId: number },
): Promise<void> {
  await transact(deps, async (unit) => {
    await lockRepository(unit, repositoryId)
    const { rows } = await sql<{ workflowId: number; branch: string }>`
      delete from workflow_runs where id = ${runId} and repository_id = ${repositoryId}
      returning workflow_id as "workflowId", branch`.execute(unit.trx)
    await sql`
      delete from workflow_jobs where run_id = ${runId} and repository_id = ${repositoryId}
    `.execute(unit.trx)
    for (const { workflowId, branch } of rows) {
      await sql`
        insert into newest_workflow_runs
          (repository_id, workflow_id, branch, run_id, created_at, started_at, status)
        select repository_id, workflow_id, branch, id, created_at, run_started_at, status
        from workflow_runs
        where repository_id = ${repositoryId} and workflow_id = ${workflowId} and branch = ${branch}
        order by created_at desc, id desc limit 1
        on conflict do nothing`.execute(unit.trx)
    }
    await markRunsChanged(unit, repositoryId)
  })
}
