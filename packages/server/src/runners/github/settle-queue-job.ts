import type { UnitOfWork } from '../../db/unit-of-work.ts'
import { createDelegationWithin } from '../create-delegation.ts'
import { lockDelegation } from '../delegation-rows.ts'
import type { RunnersDeps } from '../deps.ts'
import { endWithJob } from '../end-delegation.ts'
import {
  assignJobs,
  delegationOfRunner,
  delegationsOfJob,
  isLive,
  type QueueDelegation,
  releaseJob,
} from './delegations-of-queue.ts'
import { findQueueJob, type KeptJob } from './queue-jobs.ts'

export type SettleDeps = Pick<RunnersDeps, 'classes' | 'wakeDispatch' | 'stopJobs'>

/** Runners that are made for one job, at most, and how long the second one waits; each next one twice that. */
const mostTries = 30
const secondTryMs = 30_000
const longestWaitMs = 3_600_000
/** Jobs that one exchange may lead to. */
const mostFollowed = 50

/**
 * Makes the delegations of a job what they should be by what is known of it: one that has not ended while
 * the job is queued, and the one whose runner took it afterwards. Behind `lockQueue`; repeating it changes
 * nothing.
 */
export async function settleQueueJob(
  deps: SettleDeps,
  unit: UnitOfWork,
  jobId: number,
): Promise<void> {
  const seen = new Set<number>()
  let next: number | null = jobId
  while (next !== null && !seen.has(next) && seen.size < mostFollowed) {
    seen.add(next)
    next = await settleOne(deps, unit, next)
  }
}

/** Answers a job that is another delegation's now, or nobody's. */
async function settleOne(
  deps: SettleDeps,
  unit: UnitOfWork,
  jobId: number,
): Promise<number | null> {
  const job = await findQueueJob(unit.trx, jobId)
  if (job === null) return null
  let own = await delegationsOfJob(unit, jobId)
  let left: number | null = null
  const taker =
    job.runnerName === null
      ? null
      : await delegationOfRunner(unit, {
          repository: job.repository,
          runnerName: job.runnerName,
        })
  if (taker !== null && taker.github_job_id !== jobId) {
    left = taker.github_job_id
    await handOver(deps, unit, { job, taker, waiting: own.find(isLive) ?? null })
    own = await delegationsOfJob(unit, jobId)
  }
  if (job.state === 'queued') await serve(deps, unit, job, own)
  if (job.state === 'in_progress' || job.state === 'completed') {
    const others = own.filter((one) => one.id !== taker?.id && isLive(one))
    for (const other of others) await giveUp(deps, unit, job, other)
  }
  return left
}

/** The runner of `taker` works on this job: whichever waits for it gets the job that was the taker's. */
async function handOver(
  deps: SettleDeps,
  unit: UnitOfWork,
  input: { job: KeptJob; taker: QueueDelegation; waiting: QueueDelegation | null },
): Promise<void> {
  const { job, taker, waiting } = input
  const before = await findLeft(unit, taker)
  await assignJobs(unit, [
    { delegation: taker, job },
    ...(waiting === null ? [] : [{ delegation: waiting, job: before }]),
  ])
  if (waiting !== null && before === null) await giveUp(deps, unit, job, waiting)
}

/** The job that nobody else has when this one takes another. */
async function findLeft(unit: UnitOfWork, taker: QueueDelegation): Promise<KeptJob | null> {
  const { id, github_job_id: jobId } = taker
  if (jobId === null) return null
  const others = await delegationsOfJob(unit, jobId)
  return others.some((one) => one.id !== id && isLive(one)) ? null : findQueueJob(unit.trx, jobId)
}

async function serve(
  deps: SettleDeps,
  unit: UnitOfWork,
  job: KeptJob,
  own: readonly QueueDelegation[],
): Promise<void> {
  if (own.some(isLive)) return
  const last = own.at(-1)
  if (last !== undefined) {
    if (!mayTryAgain(job, last, own.length)) return
    await releaseJob(unit, job.id)
  }
  await createDelegationWithin(deps, unit, {
    jobRef: String(job.id),
    jobName: job.name,
    runId: String(job.runId),
    runAttempt: job.attempt,
    repository: job.repository,
    workflow: job.workflow || null,
    proxyRunner: null,
    sha: job.sha || null,
    ref: job.branch || null,
    eventName: job.event || null,
    actor: job.actor || null,
    labels: job.labels,
    source: 'queue',
    container: null,
    // Their clock is not ours.
    queuedAt: job.queuedAt < unit.now ? job.queuedAt : unit.now,
    createdBy: 'github',
  })
}

/** Whether GitHub said that the job still waits, long enough after its last runner had ended without it. */
function mayTryAgain(job: KeptJob, last: QueueDelegation, tries: number): boolean {
  // Somebody does not want it to be run, or somebody else runs it.
  if (last.status === 'cancelled' || last.completed_at === null || tries >= mostTries) return false
  const waitMs = Math.min(longestWaitMs, secondTryMs * 2 ** (tries - 1))
  return (job.confirmedAt?.getTime() ?? 0) >= last.completed_at.getTime() + waitMs
}

/**
 * Ends a delegation whose job needs no runner any more. A runner that GitHub knows may have been given
 * another job a moment ago: that is asked of GitHub first, elsewhere.
 */
async function giveUp(
  deps: SettleDeps,
  unit: UnitOfWork,
  job: KeptJob,
  { id, isRegistered }: QueueDelegation,
): Promise<void> {
  if (isRegistered) return
  const locked = await lockDelegation(unit.trx, { delegation: id })
  if (locked === null || locked.startedAt !== null) return
  await endWithJob(deps, unit, locked, { status: 'cancelled', reason: explainEnd(job) })
}

/** Why a job needs no runner of ours any more. */
export function explainEnd({ state, runnerName, conclusion }: KeptJob): string {
  if (runnerName !== null) return `The runner ${runnerName} took the job`
  if (conclusion === 'cancelled') return 'The job was cancelled at GitHub'
  return state === 'completed'
    ? `The job ended at GitHub (${conclusion ?? 'no conclusion'})`
    : 'Another runner took the job'
}
