import type { UnitOfWork } from '../../db/unit-of-work.ts'
import type { JobSnapshot, RunSnapshot } from '../../ports/github-actions.ts'
import { announceChanges } from '../announce-changes.ts'
import { type JobChange, storeJobs } from '../store-job.ts'
import { type RunChange, storeRuns } from '../store-run.ts'

/** Runs and jobs that are stored by one statement. */
const batchSize = 500

/**
 * Stores what GitHub told of a repository, and tells others of what changed by it: of what was not known
 * only if it happened at `newsSince` or later; `null`: of nothing, it is history.
 */
export async function storeTold(
  unit: UnitOfWork,
  input: {
    repositoryId: number
    runs?: readonly RunSnapshot[]
    jobs?: readonly JobSnapshot[]
    newsSince: Date | null | undefined
  },
): Promise<{ runs: RunChange[]; jobs: JobChange[] }> {
  const { repositoryId, newsSince } = input
  const jobs: JobChange[] = []
  for (const some of batchesOf(input.jobs ?? [])) {
    jobs.push(...(await storeJobs(unit, { repositoryId, jobs: some })))
  }
  const runs: RunChange[] = []
  for (const some of batchesOf(input.runs ?? [])) {
    runs.push(...(await storeRuns(unit, { repositoryId, runs: some })))
  }
  if (newsSince !== null) {
    const since = newsSince === undefined ? {} : { newsSince }
    await announceChanges(unit, { repositoryId, runs, jobs, ...since })
  }
  return { runs, jobs }
}

function batchesOf<T>(all: readonly T[]): T[][] {
  const batches: T[][] = []
  for (let at = 0; at < all.length; at += batchSize) batches.push(all.slice(at, at + batchSize))
  return batches
}
