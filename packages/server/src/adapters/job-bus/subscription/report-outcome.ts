import type { Log } from '../../../db/log.ts'
import type { WorkLedger } from '../../../jobs/index.ts'
import type { JobOutcome } from '../../../ports/job-bus.ts'
import type { Hold } from './hold.ts'
import type { AttemptEnding } from './job-source.ts'
import { createOutcomeWriter } from './outcome-writer.ts'
import { type PlacedResult, placeResult, type ResultStore } from './place-result.ts'

/** How a handler ended: by an outcome, or by a rejection. */
export type HandlerEnd = JobOutcome | { state: 'rejected'; error: string }

export interface ReporterDeps {
  ledger: WorkLedger
  log: Log
  /** Whether a room wants to be told how jobs of this type end. */
  isOwned: (type: string) => boolean
  /** Takes results that are too large for the ledger; absent: jobs with such a result fail. */
  objects?: ResultStore
}

export interface ReporterOptions {
  workerId: string
  /** When (monotonic) nobody waits for outcomes any more. */
  closeBy: () => number
  /** The ledger or the object store refused or lost a write. */
  onFailure: () => void
  /** A job that was rejected may be claimed again in so many milliseconds. */
  onRetryIn: (ms: number) => void
}

const firstPauseMs = 100
const longestPauseMs = 3000
const notOver: AttemptEnding = { jobEnd: null }

/**
 * Takes the end of a handler to the ledger. Resolves when the ledger has it or refuses it; rejects when it
 * could not be written before it stopped to matter, and the ledger's own sweeps will see to the job.
 */
export function createReporter(
  deps: ReporterDeps,
  options: ReporterOptions,
): (hold: Hold, end: HandlerEnd) => Promise<AttemptEnding> {
  const { workerId } = options
  const writeOutcome = createOutcomeWriter(deps.ledger, workerId)

  async function persist<T>(hold: Hold, write: () => Promise<T>): Promise<T> {
    for (let waitMs = firstPauseMs; ; waitMs = Math.min(waitMs * 2, longestPauseMs)) {
      try {
        return await write()
      } catch (error) {
        options.onFailure()
        const taken = hold.abandoned !== null && hold.abandoned !== 'closing'
        if (taken || performance.now() + waitMs > options.closeBy()) throw error
        deps.log.warn({ err: error, job_id: hold.job.id }, 'An outcome will be written again')
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    }
  }

  async function reject(hold: Hold, error: string): Promise<AttemptEnding> {
    const { id, attempt } = hold.job
    const failed = await persist(hold, () =>
      deps.ledger.failAttempt({ id, attempt, workerId, error }),
    )
    if (failed === null) return notOver
    if (failed.delayMs === null) return ending('dead', error)
    options.onRetryIn(failed.delayMs)
    return notOver
  }

  async function letGo(hold: Hold, excused: boolean): Promise<AttemptEnding> {
    const { id, attempt } = hold.job
    const error = excused ? 'Its worker was stopped.' : 'Its worker lost it.'
    const only = [{ id, attempt }]
    await persist(hold, () => deps.ledger.release({ workerId, only, error, excused }))
    return notOver
  }

  return async (hold, end) => {
    const { abandoned } = hold
    // Whoever cancelled or expired it has ended it in the ledger.
    if (abandoned === 'cancelled' || abandoned === 'expired') return notOver
    if (end.state === 'settled') return ending('settled', null)
    if (abandoned === 'lost') return await letGo(hold, false)
    if (end.state === 'rejected') {
      return abandoned === 'closing' ? await letGo(hold, true) : await reject(hold, end.error)
    }
    const { id, attempt, type } = hold.job
    const claim = { id, attempt, workerId }
    let placed: PlacedResult
    try {
      placed = placeResult(hold.job, end.result, deps.objects !== undefined)
    } catch (error) {
      const failed = await persist(hold, () =>
        deps.ledger.failJob({ ...claim, error: describe(error) }),
      )
      return failed ? ending('failed', describe(error)) : notOver
    }
    const { json: resultJson, object } = placed
    if (object !== null) {
      const contentType = 'application/json'
      await persist(hold, async () => deps.objects?.put(object.key, object.body, { contentType }))
    }
    const error = end.state === 'failed' ? end.error : null
    const accepted = await persist(hold, () => {
      if (end.state === 'succeeded' || !deps.isOwned(type)) {
        return writeOutcome({ id, attempt, state: end.state, error, resultJson })
      }
      const result: unknown = resultJson === null ? null : JSON.parse(resultJson)
      return deps.ledger.failJob({ ...claim, error: end.error, result })
    })
    const reference = object?.key ?? null
    return accepted ? { jobEnd: { state: end.state, resultJson, reference, error } } : notOver
  }
}

function ending(state: 'failed' | 'dead' | 'settled', error: string | null): AttemptEnding {
  return { jobEnd: { state, resultJson: null, reference: null, error } }
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
