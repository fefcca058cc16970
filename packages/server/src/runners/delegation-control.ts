import { sql } from 'kysely'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import { holdsJob, type JobClaim, settleJob } from '../jobs/index.ts'
import { checkMounts } from './check-mounts.ts'
import { findHome, forgetHome, keepHome } from './container-home.ts'
import type { Definition, RunDefinition } from './define-run.ts'
import {
  containerLabels,
  type DelegationAttempt,
  type DelegationControl,
  type DelegationResult,
} from './delegation-work.ts'
import { isImageAllowed } from './match-image.ts'
import { type DelegationRow, type LockedDelegation, lockDelegation } from './delegation-rows.ts'
import { hasEnded } from './delegation-states.ts'
import type { RunnersDeps } from './deps.ts'
import { emitUpdate, endDelegation } from './end-delegation.ts'

type Deps = Pick<
  RunnersDeps,
  'db' | 'wakeEvents' | 'wakeJobs' | 'owner' | 'wakeDispatch' | 'requestRunnerConfiguration'
>

/** Attempts at a container that never started. */
const maxAttempts = 3
/** Milliseconds beyond its limit after which a container that nobody can reach is lost. */
const lostAfterMs = 60 * 60_000

/** What the worker of this process is given: the functions of this room. */
export function createDelegationControl(deps: Deps): DelegationControl {
  return {
    beginDelegation: (input) => beginDelegation(deps, input),
    openRunnerConfiguration: (input, signal) => openRunnerConfiguration(deps, input, signal),
    reportDelegationNotStarted: (input) => reportNotStarted(deps, input),
    reportDelegationRunning: (input) => reportRunning(deps, input),
    completeDelegation: (input) => completeDelegation(deps, input),
    findUnfinished: (ids) => findUnfinished(deps, ids),
  }
}

async function findUnfinished({ db }: Deps, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('delegations')
    .select('id')
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .where('status', 'in', ['queued', 'assigned', 'running'])
    .execute()
  return rows.map(({ id }) => id)
}

interface Claimed {
  delegationId: string
  claim: JobClaim
}

/**
 * Begins an attempt for the worker that holds the job. What cannot be done any more ends here and now, and
 * is a `resource_conflict` then.
 */
async function beginDelegation(deps: Deps, input: Claimed): Promise<DelegationAttempt> {
  const row = await transact(deps, async (unit) => {
    const delegation = await requireClaim(unit, input)
    const where = await findHome(deps, unit, { delegation, claim: input.claim })
    if (where !== 'here') return where
    return unit.trx
      .updateTable('delegations')
      .set({ attempt: delegation.attempt + 1, updated_at: unit.now })
      .where('id', '=', delegation.id)
      .returningAll()
      .executeTakeFirstOrThrow()
  })
  if (row === 'deferred') {
    throw new AppError('resource_conflict', 'The container of this job is on another machine')
  }
  if (row === 'lost') throw await giveUp(deps, input, 'lost')
  const run = requireRun(row)
  const { mounts, problem } = await resolveMounts(run)
  const hopeless = problem ?? judgeImage(run) ?? tooLate(row, run)
  if (hopeless !== null) throw await giveUp(deps, input, hopeless)
  const { image, command, env, workdir, user, network, idle, limits } = run
  return {
    delegationId: row.id,
    number: row.attempt,
    repository: row.repository,
    logKey: row.log_key,
    className: row.class ?? '',
    containerId: row.container_id,
    hasStarted: row.started_at !== null,
    spec: {
      image,
      command,
      env,
      labels: { [containerLabels.owner]: deps.owner, [containerLabels.delegation]: row.id },
      workdir,
      user,
      mounts,
      network,
      idle,
      limits,
      ...(run.pod === undefined ? {} : { pod: run.pod }),
    },
    timeoutMs: run.timeoutMs,
  }
}

/** Ends a delegation that nothing can be done about any more; answers what its worker is told. */
async function giveUp(deps: Deps, input: Claimed, reason: string): Promise<AppError> {
  await completeDelegation(deps, {
    ...input,
    result: { status: 'failed', exitCode: null, reason },
  })
  return new AppError('resource_conflict', `The job cannot be done: ${reason}`)
}

/** Links may lead elsewhere than when the job was delegated. */
async function resolveMounts(
  run: RunDefinition,
): Promise<{ mounts: RunDefinition['mounts']; problem: string | null }> {
  if (run.mounts.length === 0) return { mounts: [], problem: null }
  const { mounts, problems } = await checkMounts(run.mountable, run.mounts)
  const [first] = problems
  return { mounts, problem: first === undefined ? null : `${first.path} ${first.message}` }
}

/** Another class than when it was delegated may have it by now. */
function judgeImage({ idle, image, images, classImage }: RunDefinition): string | null {
  if (!idle || isImageAllowed({ image: classImage, images }, image)) return null
  return `the runner class does not allow the image ${image}`
}

function tooLate(row: DelegationRow, run: RunDefinition): string | null {
  if (row.started_at === null) {
    const why = row.reason === null ? '' : `: ${row.reason}`
    return row.attempt > maxAttempts
      ? `no container started in ${maxAttempts} attempts${why}`
      : null
  }
  const sinceMs = Date.now() - row.started_at.getTime()
  return sinceMs > run.timeoutMs + lostAfterMs ? 'lost' : null
}

async function openRunnerConfiguration(
  deps: Deps,
  input: Claimed,
  signal: AbortSignal,
): Promise<{ env: Readonly<Record<string, string>>; secrets: readonly string[] }> {
  const row = await transact(deps, async (unit) => {
    const { id } = await requireClaim(unit, input)
    // Its container is started right after this, and whoever does that may not come to tell of it.
    await keepHome(unit, input)
    return unit.trx
      .selectFrom('delegations')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  })
  const run = requireRun(row)
  if (!run.needsConfiguration) return { env: {}, secrets: [] }
  if (deps.requestRunnerConfiguration === null) {
    throw new AppError('unavailable', 'Neither GITHUB_TOKEN nor a GitHub App is set')
  }
  const { encodedConfiguration, githubId } = await deps.requestRunnerConfiguration(
    {
      delegationId: row.id,
      repository: row.repository,
      name: run.runnerName,
      labels: run.runnerLabels,
    },
    signal,
  )
  // One that was given up meanwhile must not start: GitHub would give its runner a job.
  await transact(deps, async (unit) => {
    await requireClaim(unit, input)
    await unit.trx
      .updateTable('runners')
      .set({ github_id: githubId })
      .where('delegation_id', '=', row.id)
      .where('type', '=', 'ephemeral')
      .execute()
  })
  return {
    env: { ACTIONS_RUNNER_INPUT_JITCONFIG: encodedConfiguration },
    secrets: secretsOf(encodedConfiguration),
  }
}

/** The configuration itself, the files that are packed in it, and the parts of the runner's private key. */
function secretsOf(encoded: string): string[] {
  const files = Object.entries(parseEncoded(encoded))
  const key = files.find(([name]) => name === '.credentials_rsaparams')?.[1]
  const packed = files.map(([, content]) => content)
  const parts = typeof key === 'string' ? Object.values(parseEncoded(key)) : []
  const texts = [...packed, ...parts].filter((value) => typeof value === 'string')
  return [encoded, ...texts.filter((text) => text.length >= 16)]
}

/** Whatever it is that is no JSON in base64, it is masked whole. */
function parseEncoded(encoded: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

async function reportNotStarted(deps: Deps, input: Claimed): Promise<void> {
  await transact(deps, async (unit) => {
    const { id } = await requireClaim(unit, input)
    await forgetHome(unit, id)
  })
}

/** Its container runs; an attempt that found it running says so again. */
async function reportRunning(deps: Deps, input: Claimed & { containerId: string }): Promise<void> {
  await transact(deps, async (unit) => {
    const delegation = await requireClaim(unit, input)
    const isNew = delegation.status !== 'running'
    await unit.trx
      .updateTable('delegations')
      .set({
        status: 'running',
        container_id: input.containerId,
        started_at: delegation.startedAt ?? unit.now,
        updated_at: unit.now,
      })
      .where('id', '=', delegation.id)
      .execute()
    await unit.trx
      .updateTable('runners')
      .set({
        status: 'busy',
        container_id: input.containerId,
        last_heartbeat: unit.now,
        updated_at: unit.now,
      })
      .where('delegation_id', '=', delegation.id)
      .where('type', '=', 'ephemeral')
      .execute()
    if (isNew) emitUpdate(unit, delegation, { status: 'running', reason: null })
  })
}

/** A container that idles for a proxy ends when it is stopped: how its job ended, the proxy has said. */
async function completeDelegation(
  deps: Deps,
  input: Claimed & { result: DelegationResult },
): Promise<void> {
  await transact(deps, async (unit) => {
    const delegation = await requireClaim(unit, input)
    const result = await withProxy(unit, delegation, input.result)
    await endDelegation(deps, unit, delegation, result)
    const verdict =
      result.status === 'completed'
        ? ({ state: 'succeeded' } as const)
        : ({ state: 'failed', error: result.reason ?? result.status } as const)
    if (!(await settleJob(unit, { ...input.claim, ...verdict }))) throw notTheirs()
  })
}

async function withProxy(
  unit: UnitOfWork,
  delegation: LockedDelegation,
  result: DelegationResult,
): Promise<DelegationResult> {
  if (delegation.proxyStatus === null || delegation.startedAt === null) return result
  const row = await unit.trx
    .selectFrom('delegations')
    .select(['definition', 'proxy_status'])
    .where('id', '=', delegation.id)
    .executeTakeFirstOrThrow()
  const status = row.proxy_status as DelegationResult['status']
  const isIdle = (row.definition as Definition | null)?.run?.idle === true
  return isIdle ? { status, exitCode: null, reason: null } : result
}

/** The delegation of a claim, locked; a `resource_conflict` when it is no longer the worker's. */
async function requireClaim(unit: UnitOfWork, input: Claimed): Promise<LockedDelegation> {
  const delegation = await lockDelegation(unit.trx, { delegation: input.delegationId })
  const isTheirs =
    delegation !== null &&
    delegation.ledgerJobId === input.claim.id &&
    !hasEnded(delegation.status) &&
    (await holdsJob(unit, input.claim))
  if (!isTheirs) throw notTheirs()
  return delegation
}

function notTheirs(): AppError {
  return new AppError('resource_conflict', 'The job is no longer this worker’s')
}

function requireRun(row: DelegationRow): RunDefinition {
  const { run } = row.definition as Definition
  if (run === null) throw new Error(`the delegation ${row.id} has a worker and nothing to run`)
  return run
}
