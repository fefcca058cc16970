import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { mapStatus } from './map-status.ts'
import type { RunSnapshot } from './snapshots.ts'

/** Keeps the newest run of each workflow and branch: the one created last, of the same moment the one with the higher id. */
export async function noteNewest(
  { trx }: Pick<UnitOfWork, 'trx'>,
  repositoryId: number,
  runs: readonly RunSnapshot[],
): Promise<void> {
  const newest = new Map<string, RunSnapshot>()
  for (const run of runs) {
    const key = `${run.workflowId} ${run.branch}`
    const other = newest.get(key)
    if (other === undefined || isNewer(run, other)) newest.set(key, run)
  }
  await trx
    .insertInto('newest_workflow_runs')
    .values(
      [...newest.values()].map((run) => ({
        repository_id: repositoryId,
        workflow_id: run.workflowId,
        branch: run.branch,
        run_id: run.id,
        created_at: run.createdAt,
        started_at: run.runStartedAt,
        status: mapStatus(run.githubStatus, run.conclusion),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['repository_id', 'workflow_id', 'branch'])
        .doUpdateSet((eb) => ({
          run_id: eb.ref('excluded.run_id'),
          created_at: eb.ref('excluded.created_at'),
          started_at: eb.ref('excluded.started_at'),
          status: eb.ref('excluded.status'),
        }))
        .where(
          sql<boolean>`
            newest_workflow_runs.run_id = excluded.run_id
            or (newest_workflow_runs.created_at, newest_workflow_runs.run_id)
               < (excluded.created_at, excluded.run_id)`,
        ),
    )
    .execute()
}

function isNewer(a: RunSnapshot, b: RunSnapshot): boolean {
  const [first, second] = [a.createdAt.getTime(), b.createdAt.getTime()]
  return first === second ? a.id > b.id : first > second
}
