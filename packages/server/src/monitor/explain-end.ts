import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import type { RunSnapshot, StepSnapshot } from './snapshots.ts'

/** The first job of a run that failed, and the first step of it that did. */
export interface FailedPlace {
  job: string
  step: string | null
}

type Attempt = Pick<RunSnapshot, 'id' | 'attempt'>

/** Answers the place in an attempt; null where no job of it is known to have failed. */
export async function findFailedPlaces(
  { trx }: Pick<UnitOfWork, 'trx'>,
  runs: readonly Attempt[],
): Promise<(run: Attempt) => FailedPlace | null> {
  if (runs.length === 0) return () => null
  const { rows } = await sql<Attempt & { job: string; steps: StepSnapshot[] }>`
    select distinct on (j.run_id, j.attempt) j.run_id as id, j.attempt, j.name as job, j.steps
    from unnest(${runs.map(({ id }) => id)}::bigint[],
                ${runs.map(({ attempt }) => attempt)}::int[]) as failed (id, attempt)
    join workflow_jobs j on j.run_id = failed.id and j.attempt = failed.attempt
    where j.status = 'failure'
    order by j.run_id, j.attempt, j.conclusion = 'failure' desc, j.id`.execute(trx)
  const keyOf = ({ id, attempt }: Attempt) => `${id} ${attempt}`
  const places = new Map(
    rows.map((row) => {
      const step = row.steps.find(({ conclusion }) => conclusion === 'failure')
      return [keyOf(row), { job: row.job, step: step?.name ?? null }]
    }),
  )
  return (run) => places.get(keyOf(run)) ?? null
}

const ends: Readonly<Record<string, string>> = {
  cancelled: 'The run was cancelled',
  timed_out: 'The run took too long',
  startup_failure: 'The run could not start',
  stale: 'GitHub gave the run up',
  action_required: 'The run needs somebody to act first',
}

/** What a failed run came to, for people. */
export function explainEnd(conclusion: string | null, place: FailedPlace | null): string {
  const end = Object.hasOwn(ends, conclusion ?? '') ? ends[conclusion ?? ''] : undefined
  if (end !== undefined) return end
  if (place === null) return 'The run failed'
  return place.step === null
    ? `The job ${place.job} failed`
    : `The step ${place.step} of the job ${place.job} failed`
}
