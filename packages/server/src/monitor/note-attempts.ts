import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import type { RunSnapshot } from './snapshots.ts'

/** Keeps what became of each attempt: of one that was told to have ended, the latest of its ends. */
export async function noteAttempts(
  { trx }: Pick<UnitOfWork, 'trx'>,
  runs: readonly RunSnapshot[],
): Promise<void> {
  const attempts = [...latestOfEach(runs).values()]
  await trx
    .insertInto('workflow_run_attempts')
    .values(
      attempts.map((run) => ({
        run_id: run.id,
        attempt: run.attempt,
        conclusion: run.conclusion,
        started_at: run.runStartedAt,
        completed_at: endOf(run),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['run_id', 'attempt'])
        .doUpdateSet((eb) => ({
          conclusion: eb.ref('excluded.conclusion'),
          started_at: eb.ref('excluded.started_at'),
          completed_at: eb.ref('excluded.completed_at'),
        }))
        .where(
          sql<boolean>`
            (coalesce(excluded.completed_at, '-infinity'), coalesce(excluded.conclusion, ''))
            > (coalesce(workflow_run_attempts.completed_at, '-infinity'),
               coalesce(workflow_run_attempts.conclusion, ''))`,
        ),
    )
    .execute()
}

function latestOfEach(runs: readonly RunSnapshot[]): Map<string, RunSnapshot> {
  const attempts = new Map<string, RunSnapshot>()
  for (const run of runs) {
    const key = `${run.id} ${run.attempt}`
    const other = attempts.get(key)
    if (other === undefined || isLater(run, other)) attempts.set(key, run)
  }
  return attempts
}

function isLater(a: RunSnapshot, b: RunSnapshot): boolean {
  const [first, second] = [endOf(a)?.getTime() ?? -1, endOf(b)?.getTime() ?? -1]
  if (first !== second) return first > second
  return (a.conclusion ?? '') > (b.conclusion ?? '')
}

function endOf(run: RunSnapshot): Date | null {
  return run.githubStatus === 'completed' ? run.updatedAt : null
}
