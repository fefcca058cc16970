import type { DelegationJob } from '@slipway/contract/jobs'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { LogWriter } from '../logs/index.ts'
import type { FoundContainer } from '../ports/container-host.ts'
import { type ClaimedJob, JobAborted, type JobOutcome } from '../ports/job-bus.ts'
import { containerLabels, type DelegationAttempt, type DelegationResult } from '../runners/index.ts'
import { nameOfJob } from './delegation/container-names.ts'
import type { DelegationWorkDeps } from './delegation/deps.ts'
import { discard, readyContainer, withPatience } from './delegation/start-container.ts'
import { watchContainer } from './delegation/watch-container.ts'

interface Held {
  attempt: DelegationAttempt
  claim: JobClaim
}

/** The control plane says that the delegation is not ours any more. */
class Refused extends Error {
  override readonly name = 'Refused'
}

/**
 * Looks after one delegation's container: finds the one that an earlier attempt started or starts one,
 * follows its output into the log, and reports how it ended. The container is removed when the delegation
 * is over, and only then: as long as it is not, whoever has the next attempt goes on with it.
 */
export async function runDelegation(
  deps: DelegationWorkDeps,
  job: ClaimedJob,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const { delegation_id: delegationId } = job.payload as DelegationJob
  const claim = { id: job.id, attempt: job.attempt, workerId: deps.workerId }
  deps.inHand.add(delegationId)
  try {
    const attempt = await asked(deps.delegations.beginDelegation({ delegationId, claim }))
    await attend(deps, { attempt, claim }, signal)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    deps.log.debug({ delegation_id: delegationId, err: error.cause }, 'the job was no longer ours')
    if (await isOverNow(deps, delegationId)) await removeAll(deps, delegationId)
  } finally {
    if (isOver(signal)) await removeAll(deps, delegationId)
    deps.inHand.delete(delegationId)
  }
  return { state: 'settled' }
}

/** Of a delegation that is not ours: whether it is anybody's. */
async function isOverNow(
  { delegations, log }: DelegationWorkDeps,
  delegationId: string,
): Promise<boolean> {
  try {
    return (await delegations.findUnfinished([delegationId])).length === 0
  } catch (error) {
    log.debug({ delegation_id: delegationId, err: error }, 'whose the job is could not be asked')
    return false
  }
}

/** Cancelled, or past its deadline: nobody goes on with it. */
function isOver({ reason }: AbortSignal): boolean {
  return reason instanceof JobAborted && (reason.why === 'cancelled' || reason.why === 'expired')
}

async function attend(deps: DelegationWorkDeps, held: Held, signal: AbortSignal): Promise<void> {
  const { attempt } = held
  const found =
    attempt.number === 1
      ? null
      : await withPatience(() => findStarted(deps, attempt, signal), signal)
  if (found !== null) {
    const secrets = await deps.secrets.read(attempt.delegationId)
    return goOn(deps, { ...held, container: found, secrets }, signal)
  }
  if (attempt.hasStarted) {
    const result = { status: 'failed', exitCode: null, reason: 'lost' } as const
    return keepLog(deps, { ...held, secrets: null }, signal, async () => result)
  }
  return begin(deps, held, signal)
}

/** Null: there is none, or one that never started, which does not stay. */
async function findStarted(
  deps: DelegationWorkDeps,
  { delegationId, hasStarted }: DelegationAttempt,
  signal: AbortSignal,
): Promise<FoundContainer | null> {
  const found = await deps.host.find(nameOfJob(delegationId), signal)
  if (found === null) return null
  const neverRan = found.exit?.mayNotHaveRun === true && !hasStarted
  if (found.state !== 'created' && !neverRan) return found
  await deps.host.remove(found.id)
  return null
}

async function goOn(
  deps: DelegationWorkDeps,
  input: Held & { container: FoundContainer; secrets: readonly string[] | null },
  signal: AbortSignal,
): Promise<void> {
  const { container, secrets } = input
  await withPatience(() => letGoOn(deps, input, signal), signal)
  await keepLog(deps, input, signal, async (writer, setClock) => {
    await reportRunning(deps, input, container.id)
    const startedAt = container.startedAt ?? container.createdAt
    const shown = secrets === null ? null : writer
    if (shown === null) await writer.note(hidden)
    const watched = { ...input, id: container.id, startedAt, writer: shown, setClock }
    return watchContainer(deps, watched, signal)
  })
}

/** A server that died while it held the job's containers still, for a mount, cannot have let them go on. */
async function letGoOn(
  { host }: DelegationWorkDeps,
  { attempt, container }: Held & { container: FoundContainer },
  signal: AbortSignal,
): Promise<void> {
  const { delegationId } = attempt
  const beside = await host.list({ [containerLabels.delegation]: delegationId }, signal)
  for (const id of new Set([container.id, ...beside.map((one) => one.id)])) await host.resume(id)
}

const hidden =
  'What the job prints is not shown from here on: this server does not know what must not be shown of it'

/** Makes a container ready while GitHub is asked for its configuration, and starts it. */
async function begin(deps: DelegationWorkDeps, held: Held, signal: AbortSignal): Promise<void> {
  const { attempt, claim } = held
  const { delegationId } = attempt
  const [ready, configured] = await Promise.allSettled([
    readyContainer(deps, attempt, signal),
    asked(deps.delegations.openRunnerConfiguration({ delegationId, claim }, signal)),
  ])
  let isStarted = false
  try {
    if (configured.status === 'rejected') throw configured.reason
    if (ready.status === 'rejected') throw ready.reason
    const { id, env } = ready.value
    const { secrets } = configured.value
    await deps.secrets.keep(delegationId, secrets)
    await deps.host.start(id, { env: { ...env, ...configured.value.env } }, signal)
    isStarted = true
    const startedAt = new Date()
    const reporting = reportRunning(deps, held, id)
    reporting.catch(() => {})
    await keepLog(deps, { ...held, secrets }, signal, async (writer, setClock) => {
      await reporting
      return watchContainer(deps, { ...held, id, startedAt, writer, setClock }, signal)
    })
  } catch (error) {
    if (isStarted) throw error
    const isGone = ready.status === 'rejected' || (await discard(deps, ready.value.id))
    if (isGone) await reportNotStarted(deps, held)
    signal.throwIfAborted()
    // What may pass is for the next attempt.
    if (!(error instanceof AppError) || !isForGood(error)) throw error
    const result = { status: 'failed', exitCode: null, reason: error.message } as const
    await keepLog(deps, { ...held, secrets: null }, signal, async () => result)
  }
}

/** So that another worker need not look for a container that there is none of. */
async function reportNotStarted(
  { delegations, log }: DelegationWorkDeps,
  { attempt, claim }: Held,
): Promise<void> {
  const { delegationId } = attempt
  await delegations
    .reportDelegationNotStarted({ delegationId, claim })
    .catch((error: unknown) =>
      log.debug({ delegation_id: delegationId, err: error }, 'nobody was told'),
    )
}

function isForGood({ code }: AppError): boolean {
  return code === 'invalid_request' || code === 'authorization_failed'
}

/**
 * Does `work` with the delegation's log open, and ends the delegation by what it comes to. The log holds
 * what the container printed, from its beginning, and a last line of ours: an attempt that goes on with it
 * writes the same again, of which the log leaves out what it has.
 */
async function keepLog(
  deps: DelegationWorkDeps,
  input: Held & {
    /** Null: what the container printed is not written again. */
    secrets: readonly string[] | null
  },
  signal: AbortSignal,
  work: (writer: LogWriter, setClock: (at: number) => void) => Promise<DelegationResult>,
): Promise<void> {
  const { attempt, claim, secrets } = input
  const { delegationId } = attempt
  let now: number | null = null
  const writer = await deps.logs.open(attempt.logKey, {
    secrets: secrets ?? [],
    stampLines: 'plain',
    replayed: secrets !== null,
    clock: () => now ?? Date.now(),
  })
  let isEnded = false
  try {
    const result = await work(writer, (at) => (now = at))
    now = null
    if (result.reason !== null) await writer.note(`The job failed: ${result.reason}`)
    await writer.end()
    await asked(deps.delegations.completeDelegation({ delegationId, claim, result }))
    isEnded = true
  } catch (error) {
    now = null
    isEnded = isOver(signal)
    if (isEnded) await writer.note(`The job was ${lastWord(signal)}`).catch(() => undefined)
    throw error
  } finally {
    if (isEnded) sealLater(deps, writer)
    else await writer.suspend()
  }
  await removeAll(deps, delegationId)
}

function lastWord({ reason }: AbortSignal): string {
  return reason instanceof JobAborted && reason.why === 'expired'
    ? 'given up: timeout'
    : 'cancelled'
}

function sealLater({ log }: DelegationWorkDeps, writer: LogWriter): void {
  writer.seal().catch((error: unknown) => log.error({ err: error }, 'a log could not be sealed'))
}

function reportRunning(
  { delegations }: DelegationWorkDeps,
  { attempt, claim }: Held,
  containerId: string,
): Promise<void> {
  const { delegationId } = attempt
  return asked(delegations.reportDelegationRunning({ delegationId, claim, containerId }))
}

/** Its container, and those that served it. */
async function removeAll(deps: DelegationWorkDeps, delegationId: string): Promise<void> {
  try {
    const { signal } = new AbortController()
    const labelled = await deps.host.list({ [containerLabels.delegation]: delegationId }, signal)
    const named = await deps.host.find(nameOfJob(delegationId), signal)
    const ids = new Set([named, ...labelled].flatMap((each) => each?.id ?? []))
    for (const id of ids) await discard(deps, id)
    await deps.secrets.drop(delegationId)
  } catch (error) {
    deps.log.warn(
      { err: error, delegation_id: delegationId },
      'the containers of a job could not be removed',
    )
  }
}

/** What the control plane answers; `Refused` where it says that the delegation is not this worker's. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const isRefusal =
      error instanceof AppError &&
      (error.code === 'resource_conflict' || error.code === 'resource_not_found')
    throw isRefusal ? new Refused('not ours any more', { cause: error }) : error
  }
}
