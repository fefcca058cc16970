import type {
  DelegationStatus,
  ProxyCompleteRequest,
  UpdateDelegatedJobRequest,
} from '@slipway/contract/delegations'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { type LockedDelegation, lockVisibleDelegation } from './delegation-rows.ts'
import { compareStatus, hasEnded } from './delegation-states.ts'
import type { RunnersDeps } from './deps.ts'
import { emitUpdate, endWithJob } from './end-delegation.ts'

type Deps = Pick<RunnersDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'stopJobs' | 'wakeDispatch'>

/** How a delegation stands after a report. */
export interface DelegationStanding {
  id: string
  status: DelegationStatus
  updatedAt: Date
}

/**
 * Takes a report of whoever runs a job. It moves the delegation forward or repeats what is known; what
 * contradicts that is a `resource_conflict`, and so is the start or end of a container that a worker of ours
 * looks after: that one knows it. Such a job can be cancelled.
 */
export async function updateDelegation(
  deps: Deps,
  input: { principal: Principal; id: string; report: UpdateDelegatedJobRequest },
): Promise<DelegationStanding> {
  const { report } = input
  return transact(deps, async (unit) => {
    const delegation = await lockVisibleDelegation(unit.trx, input)
    const means = compareStatus(delegation.status, report.status)
    if (means === 'contradiction') {
      throw conflict(
        `The job is ${delegation.status} and cannot become ${report.status}`,
        delegation,
      )
    }
    const isOurs = delegation.ledgerJobId !== null && !hasEnded(delegation.status)
    if (means === 'move' && isOurs && report.status !== 'cancelled') {
      const what = report.status === 'running' ? 'when it runs' : 'how it ends'
      throw conflict(
        `A worker looks after the container of this job, and tells ${what}`,
        delegation,
      )
    }
    await note(unit, delegation, report, { isOurs })
    if (means === 'move') await move(deps, unit, delegation, report)
    return { id: delegation.id, status: report.status, updatedAt: unit.now }
  })
}

/** Writes down what is said beside the status; of containers of ours we know better. */
async function note(
  unit: UnitOfWork,
  delegation: LockedDelegation,
  report: UpdateDelegatedJobRequest,
  { isOurs }: { isOurs: boolean },
): Promise<void> {
  const { runnerId, containerId } = report
  const said = {
    ...(runnerId === undefined ? {} : { runner_id: runnerId }),
    ...(containerId === undefined ? {} : { container_id: containerId }),
  }
  await unit.trx
    .updateTable('delegations')
    .set({ updated_at: unit.now, ...(isOurs || hasEnded(delegation.status) ? {} : said) })
    .where('id', '=', delegation.id)
    .execute()
}

async function move(
  deps: Deps,
  unit: UnitOfWork,
  delegation: LockedDelegation,
  report: UpdateDelegatedJobRequest,
): Promise<void> {
  const { status } = report
  const reason = report.reason ?? null
  if (status === 'completed' || status === 'failed' || status === 'cancelled') {
    await endWithJob(deps, unit, delegation, { status, reason, exitCode: report.exitCode ?? null })
    return
  }
  const isRunning = status === 'running'
  await unit.trx
    .updateTable('delegations')
    .set({
      status,
      reason,
      ...(isRunning ? { started_at: unit.now } : { assigned_at: unit.now }),
    })
    .where('id', '=', delegation.id)
    .execute()
  emitUpdate(unit, delegation, { status, reason })
}

/**
 * Takes a proxy's view of the end of a job. It ends what has no container yet, which nobody would wait for;
 * one that runs, or is about to, ends by its container, and that of a proxy's hooks is told to stop now.
 */
export async function completeForProxy(
  deps: Deps & Pick<RunnersDeps, 'stopContainer' | 'log' | 'owner'>,
  input: { principal: Principal; id: string; request: ProxyCompleteRequest },
): Promise<void> {
  const { status, runId, jobId } = input.request
  await transact(deps, async (unit) => {
    const delegation = await lockVisibleDelegation(unit.trx, input)
    if (runId !== undefined && runId !== delegation.runId) {
      throw conflict(`The job is of the run ${delegation.runId}, not ${runId}`, delegation)
    }
    const { github_job_id, job_name, definition, home } = await unit.trx
      .selectFrom('delegations')
      .select(['github_job_id', 'job_name', 'definition', 'home'])
      .where('id', '=', delegation.id)
      .executeTakeFirstOrThrow()
    const names = [delegation.jobRef, job_name, github_job_id?.toString()]
    if (jobId !== undefined && !names.includes(jobId)) {
      throw conflict(`The job is ${delegation.jobRef}, not ${jobId}`, delegation)
    }
    if (delegation.proxyStatus !== null && delegation.proxyStatus !== status) {
      throw conflict(`The proxy said already that the job is ${delegation.proxyStatus}`, delegation)
    }
    await unit.trx
      .updateTable('delegations')
      .set({ proxy_status: status, proxy_completed_at: unit.now, updated_at: unit.now })
      .where('id', '=', delegation.id)
      .execute()
    const { containerId } = delegation
    const isIdle = (definition as { run: { idle: boolean } | null } | null)?.run?.idle === true
    // Of an attempt that has begun, the container may run although nobody has said so yet.
    const mayRun = delegation.status === 'assigned' && delegation.attempt > 0 && !isIdle
    if (delegation.status === 'queued' || (delegation.status === 'assigned' && !mayRun)) {
      const reason = 'The proxy said so before a container ran'
      await endWithJob(deps, unit, delegation, { status, reason })
      return
    }
    const { stopContainer } = deps
    if (delegation.status !== 'running' || !isIdle || containerId === null) return
    if (home !== null && home !== deps.owner) {
      // Whoever looks after it is told that the job is over.
      await endWithJob(deps, unit, delegation, { status, reason: null })
      return
    }
    unit.afterCommit(() => {
      stopContainer?.(containerId).catch((err: unknown) =>
        deps.log.warn({ err, delegation_id: delegation.id }, 'an idle container was not stopped'),
      )
    })
  })
}

/**
 * Cancels a job that has not ended; whoever looks after its container is told right after the commit.
 * Cancelling a cancelled job changes nothing; one that has ended otherwise is a `resource_conflict`.
 */
export async function cancelDelegation(
  deps: Deps,
  input: { principal: Principal; id: string },
): Promise<void> {
  await transact(deps, async (unit) => {
    const delegation = await lockVisibleDelegation(unit.trx, input)
    if (delegation.status === 'cancelled') return
    const reason = `Cancelled by ${input.principal.name}`
    if (!(await endWithJob(deps, unit, delegation, { status: 'cancelled', reason }))) {
      throw conflict(`The job has already ended as ${delegation.status}`, delegation)
    }
  })
}

function conflict(message: string, { status }: LockedDelegation): AppError {
  return new AppError('resource_conflict', message, { status })
}
