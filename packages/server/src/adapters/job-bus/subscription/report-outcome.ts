import type { Log } from '../../../db/log.ts'
import { encodeResult, type WorkLedger } from '../../../jobs/index.ts'
import type { JobOutcome } from '../../../ports/job-bus.ts'
import type { Hold } from './hold.ts'
import { createOutcomeWriter } from './outcome-writer.ts'

/** How a handler ended: by an outcome, or by a rejection. */
export type HandlerEnd = JobOutcome | { state: 'rejected'; error: string }

export interface ReporterOptions {
  workerId: string
  /** When (monotonic) nobody waits for outcomes any more. */
  closeBy: () => number
  /** The database refused or lost a write. */
  onFailure: () => void
  /** A job that was rejected may be claimed again in so many milliseconds. */
  onRetryIn: (ms: number) => void
}

const firstPauseMs = 100
const longestPauseMs = 3000

/**
 * Takes the end of a handler to the ledger. Resolves when the ledger has it or refuses it; rejects when it
 * could not be written before it stopped to matter, and the ledger's own sweeps will see to the job.
 */
export function createReporter(
  deps: { ledger: WorkLedger; log: Log; isOwned: (type: string) => boolean },
  options: ReporterOptions,
): (hold: Hold, end: HandlerEnd) => Promise<void> {
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
        deps.log.warn({ err: error, job: hold.job.id }, 'An outcome will be written again')
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    }
  }

  return async (hold, end) => {
    const { abandoned } = hold
    // Whoever cancelled or expired it has ended it in the ledger.
    if (end.state === 'settled' || abandoned === 'cancelled' || abandoned === 'expired') return
    const { id, attempt, type } = hold.job
    const claim = { id, attempt, workerId }
    if (abandoned === 'lost' || (abandoned === 'closing' && end.state === 'rejected')) {
      const error = abandoned === 'lost' ? 'Its worker lost it.' : 'Its worker was stopped.'
      const excused = abandoned === 'closing'
      const only = [{ id, attempt }]
      await persist(hold, () => deps.ledger.release({ workerId, only, error, excused }))
      return
    }
    if (end.state === 'rejected') {
      const { error } = end
      const failed = await persist(hold, () => deps.ledger.failAttempt({ ...claim, error }))
      if (failed?.delayMs != null) options.onRetryIn(failed.delayMs)
      return
    }
    let resultJson: string | null
    try {
      resultJson = encodeResult(end.result)
    } catch (error) {
      await persist(hold, () => deps.ledger.failJob({ ...claim, error: describe(error) }))
      return
    }
    if (end.state === 'failed' && deps.isOwned(type)) {
      const { error, result } = end
      await persist(hold, () => deps.ledger.failJob({ ...claim, error, result }))
      return
    }
    const error = end.state === 'failed' ? end.error : null
    await persist(hold, () => writeOutcome({ id, attempt, state: end.state, error, resultJson }))
  }
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
