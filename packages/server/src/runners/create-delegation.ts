import type {
  DelegateJobRequest,
  DelegationStatus,
  JobContainerRequest,
} from '@slipway/contract/delegations'
import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import { requireVisible } from '../access/index.ts'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { Definition } from './define-run.ts'
import type { RunnersDeps } from './deps.ts'
import { judgeContainer } from './judge-container.ts'
import { judgeRequest, type RequestProblem } from './judge-request.ts'
import { matchClass } from './match-class.ts'
import { noteProxy } from './proxies.ts'

type Deps = Pick<RunnersDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'classes' | 'wakeDispatch'>

/** A job that wants a container, from wherever it comes. */
export interface NewDelegation {
  /** GitHub's id, or the key in the workflow. */
  jobRef: string
  /** Key or name; null: not known. */
  jobName: string | null
  runId: string
  runAttempt: number
  repository: string
  workflow: string | null
  proxyRunner: string | null
  sha: string | null
  ref: string | null
  eventName: string | null
  actor: string | null
  labels: readonly string[]
  source: 'queue' | 'proxy' | 'api'
  /** What a proxy's hooks ask for; null: nothing. */
  container: JobContainerRequest | null
  /** When GitHub queued it; null: now. */
  queuedAt: Date | null
  createdBy: string
}

export interface CreatedDelegation {
  id: string
  status: DelegationStatus
  /** False: this attempt at the job had been delegated before. */
  isNew: boolean
}

/**
 * Takes a request for a container. All that is wrong with it is said at once, as `invalid_request`.
 * Repeating it for one attempt at a job answers the first one's delegation.
 */
export async function delegateJob(
  deps: Deps,
  input: {
    principal: Principal
    /** As it came. */
    request: unknown
    /** What its schema has against it. */
    problems: readonly RequestProblem[]
  },
): Promise<CreatedDelegation> {
  const { principal } = input
  const given = asRecord(input.request)
  // What the schema refuses has been said by the schema.
  const said = new Set(input.problems.map(({ path }) => path))
  const judged = judgeRequest(given).filter(({ path }) => !said.has(path))
  refuse([...input.problems, ...judged])
  const request = given as unknown as DelegateJobRequest
  requireVisible(principal, request.repository)
  const { container = null, labels = [] } = request
  const match = matchClass(deps.classes, { repository: request.repository, labels })
  if (match.class !== null && container !== null) {
    refuse(await judgeContainer(match.class, container))
  }
  const wanted: NewDelegation = {
    jobRef: request.jobId,
    jobName: request.jobName ?? null,
    runId: request.runId,
    runAttempt: request.runAttempt ?? 1,
    repository: request.repository,
    workflow: request.workflow ?? null,
    proxyRunner: request.runnerName ?? null,
    sha: request.sha ?? null,
    ref: request.ref ?? null,
    eventName: request.eventName ?? null,
    actor: request.actor ?? null,
    labels,
    source: container === null && request.runnerName === undefined ? 'api' : 'proxy',
    container,
    queuedAt: null,
    createdBy: principal.name,
  }
  return transact(deps, (unit) => createDelegationWithin(deps, unit, wanted))
}

/** Stores a delegation, or finds the one that this attempt at the job has already. */
export async function createDelegationWithin(
  deps: Pick<RunnersDeps, 'classes' | 'wakeDispatch'>,
  unit: UnitOfWork,
  wanted: NewDelegation,
): Promise<CreatedDelegation> {
  const { repository, proxyRunner } = wanted
  const id = await insert(deps, unit, wanted)
  if (id === null) return { ...(await findSame(unit, wanted)), isNew: false }
  if (proxyRunner !== null) {
    await noteProxy(unit, { name: proxyRunner, repository, labels: wanted.labels })
  }
  unit.emit({
    type: 'runner.job.delegated',
    repository,
    runId: null,
    data: {
      delegation_id: id,
      repository,
      job: wanted.jobRef,
      github_run_id: wanted.runId,
      status: 'queued',
      labels: [...wanted.labels],
    },
  })
  unit.afterCommit(deps.wakeDispatch)
  return { id, status: 'queued', isNew: true }
}

async function insert(
  { classes }: Pick<RunnersDeps, 'classes'>,
  unit: UnitOfWork,
  wanted: NewDelegation,
): Promise<string | null> {
  const id = uuid()
  const match = matchClass(classes, wanted)
  const definition: Definition = { container: wanted.container, run: null }
  const row = await unit.trx
    .insertInto('delegations')
    .values({
      id,
      job_ref: wanted.jobRef,
      github_job_id: githubIdOf(wanted.jobRef),
      job_name: wanted.jobName,
      github_run_id: wanted.runId,
      run_attempt: wanted.runAttempt,
      repository: wanted.repository,
      workflow: wanted.workflow,
      proxy_runner: wanted.proxyRunner,
      sha: wanted.sha,
      ref: wanted.ref,
      event_name: wanted.eventName,
      actor: wanted.actor,
      labels: [...wanted.labels],
      source: wanted.source,
      class: match.class?.name ?? null,
      reason: match.class === null ? match.reason : null,
      definition: JSON.stringify(definition),
      log_key: `delegations/${id}/logs/job.log`,
      queued_at: wanted.queuedAt ?? unit.now,
      created_by: wanted.createdBy,
      created_at: unit.now,
      updated_at: unit.now,
    })
    .onConflict((conflict) =>
      conflict.columns(['repository', 'github_run_id', 'job_ref', 'run_attempt']).doNothing(),
    )
    .returning('id')
    .executeTakeFirst()
  return row?.id ?? null
}

async function findSame(
  unit: UnitOfWork,
  wanted: NewDelegation,
): Promise<{ id: string; status: DelegationStatus }> {
  const { rows } = await sql<{ id: string; status: DelegationStatus }>`
    select id, status from delegations
     where repository = ${wanted.repository} and github_run_id = ${wanted.runId}
       and job_ref = ${wanted.jobRef} and run_attempt = ${wanted.runAttempt}`.execute(unit.trx)
  const [same] = rows
  if (same === undefined) throw new Error('what another one conflicts with is there')
  return same
}

/** GitHub's id, if the job was named by it. */
function githubIdOf(jobRef: string): number | null {
  const id = /^[1-9]\d{0,15}$/.test(jobRef) ? Number(jobRef) : 0
  return id > 0 && Number.isSafeInteger(id) ? id : null
}

function refuse(problems: readonly RequestProblem[]): void {
  const [first] = problems
  if (first === undefined) return
  throw new AppError('invalid_request', `The body is not valid: ${first.path} ${first.message}`, {
    problems,
  })
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}
