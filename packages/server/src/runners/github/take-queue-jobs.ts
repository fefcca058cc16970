import type { UnitOfWork } from '../../db/unit-of-work.ts'
import type { RunnerClass } from '../runner-class.ts'
import { matchClass } from '../match-class.ts'
import type { ToldJob } from './merge-queue-job.ts'
import { findQueueJob, lockQueue, storeQueueJob } from './queue-jobs.ts'
import { tellProblems } from './runner-problems.ts'
import { type SettleDeps, settleQueueJob } from './settle-queue-job.ts'

/**
 * Takes what was told of jobs of one repository, in whatever order and however often, in the transaction of
 * whoever tells it: stores what concerns runners of ours, and makes the delegations what they should be.
 * `confirmedAt`: when GitHub's API was asked; null: a delivery says so. Answers how many were of interest.
 */
export async function takeQueueJobs(
  deps: SettleDeps,
  unit: UnitOfWork,
  input: { repository: string; jobs: readonly ToldJob[]; confirmedAt: Date | null },
): Promise<number> {
  const { repository, jobs, confirmedAt } = input
  if (jobs.length === 0) return 0
  await lockQueue(unit, repository)
  let count = 0
  for (const told of jobs) {
    const isKnown = (await findQueueJob(unit.trx, told.id)) !== null
    if (!isKnown && !concernsUs(deps.classes, repository, told.labels)) continue
    count += 1
    const { id } = await storeQueueJob(unit, { repository, told, confirmedAt })
    await settleQueueJob(deps, unit, id)
  }
  if (count > 0) await tellProblems(unit, repository)
  return count
}

/**
 * Whether a class serves a job, or somebody should be told that none does. What runs on GitHub's own
 * runners is theirs, unless a class names their labels; what names no labels is nobody's.
 */
function concernsUs(
  classes: readonly RunnerClass[],
  repository: string,
  labels: readonly string[],
): boolean {
  if (classes.length === 0 || labels.length === 0) return false
  if (labels.some((label) => label.toLowerCase() === 'self-hosted')) return true
  return matchClass(classes, { repository, labels }).class !== null
}
