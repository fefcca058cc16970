import type { WorkLedger } from '../../../jobs/index.ts'
import type { JobSource, SourceEvents } from './job-source.ts'

/** Milliseconds after a claim that took all there was, before looking for what is due later. */
const lookAheadMs = 200

/** Claims the oldest jobs straight from the ledger, and is back when the next is due. */
export function createLedgerSource(
  deps: { ledger: WorkLedger; pollMs: number; onEnded?: JobSource['ended'] },
  options: { workerId: string; types: readonly string[] },
  events: SourceEvents,
): JobSource {
  const { ledger } = deps
  const { workerId } = options
  const types = [...options.types]
  let stopped = false
  let lookAhead: NodeJS.Timeout | null = null
  let nextRun: NodeJS.Timeout | null = null
  let nextRunAt = Number.POSITIVE_INFINITY

  function retryIn(ms: number) {
    const at = performance.now() + ms
    if (stopped || at >= nextRunAt) return
    if (nextRun !== null) clearTimeout(nextRun)
    nextRunAt = at
    nextRun = setTimeout(() => {
      nextRunAt = Number.POSITIVE_INFINITY
      events.wake()
    }, ms)
  }

  function lookAheadSoon() {
    if (stopped) return
    lookAhead ??= setTimeout(() => {
      lookAhead = null
      ledger.msToNextRun({ types }).then(
        (ms) => ms !== null && ms <= deps.pollMs && retryIn(ms),
        () => events.onFailure(),
      )
    }, lookAheadMs)
  }

  return {
    async claim(limit) {
      const jobs = await ledger.claim({ workerId, types, limit })
      const more = jobs.length === limit
      if (!more) lookAheadSoon()
      types.push(...types.splice(0, 1))
      return { jobs, more }
    },
    giveBack: (jobs) => ledger.giveBack({ workerId, attempts: jobs }),
    ended: (job, end) => deps.onEnded?.(job, end),
    retryIn,
    stop() {
      stopped = true
      for (const timer of [lookAhead, nextRun]) if (timer !== null) clearTimeout(timer)
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
}
