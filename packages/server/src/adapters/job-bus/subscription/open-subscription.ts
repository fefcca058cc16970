import type { JobSubscription, SubscribeOptions } from '../../../ports/job-bus.ts'
import { type Hold, holdKey, takeHold } from './hold.ts'
import type { AttemptEnding, JobSource, SourceEvents } from './job-source.ts'
import { createReporter, describe, type HandlerEnd, type ReporterDeps } from './report-outcome.ts'

export interface SubscriptionDeps extends ReporterDeps {
  /** Milliseconds between looks at the ledger that nobody asked for. */
  pollMs: number
  openSource(events: SourceEvents & { free(): number }): JobSource
}

export interface LedgerSubscription extends JobSubscription {
  readonly options: SubscribeOptions
  /** Something of its types may be claimable. */
  wake(): void
  /** What it holds may have been taken from it: looks it up. */
  doubt(): void
  /** Tells the handlers of these jobs to stop. */
  cancel(jobIds: ReadonlySet<string>): void
}

const firstPauseMs = 100
const longestPauseMs = 3000
/** Milliseconds that a closing subscription waits for its outcomes to be written. */
const closeWaitMs = 5000

/**
 * One loop that claims as many jobs as there are free slots, whenever it was woken and has some.
 * Only one claim is under way at a time; what wakes it meanwhile makes it claim once more.
 */
export function openSubscription(
  deps: SubscriptionDeps,
  options: SubscribeOptions,
): LedgerSubscription {
  const { workerId, capacity } = options
  const { ledger } = deps
  const types = [...options.types]
  const holds = new Set<Hold>()
  /** The newest hold of each job; an earlier one of the same job is on its way out. */
  const newest = new Map<string, Hold>()
  /** Takes nothing new; what is in hand is still looked after. */
  let stopped = false
  let finished = false
  let closeBy = Number.POSITIVE_INFINITY
  /** Claimed attempts whose handler has not returned. */
  let inHand = 0
  /** Told when the last handler has returned. */
  const emptied: (() => void)[] = []
  /** There may be something to claim. */
  let wanted = true
  /** The ledger may hold other attempts to be ours than we do. */
  let doubtful = false
  let pumping = false
  let turning: Promise<void> | null = null
  let pauseMs = firstPauseMs
  let pause: NodeJS.Timeout | null = null
  const poll = setInterval(() => {
    wanted = true
    doubtful = true
    pump()
  }, deps.pollMs)

  // A slot is free once its handler has returned, so that the next claim overlaps with the writing of
  // outcomes; only so many outcomes may wait to be written.
  const free = () => Math.min(capacity - inHand, 2 * capacity - holds.size)

  const report = createReporter(deps, {
    workerId,
    closeBy: () => closeBy,
    onFailure: () => void (doubtful = true),
    onRetryIn: (ms) => source.retryIn(ms),
  })
  const source = deps.openSource({ wake, free, onFailure: () => void (doubtful = true) })

  function pump() {
    if (finished || turning !== null || pause !== null) return
    if (!doubtful && (stopped || !wanted || free() <= 0)) return
    turning = turn()
      .then(() => void (pauseMs = firstPauseMs), retryLater)
      .then(() => {
        turning = null
        pump()
      })
  }

  /** Slots that become free together are filled by one claim. */
  function pumpSoon() {
    if (pumping) return
    pumping = true
    setImmediate(() => {
      pumping = false
      pump()
    })
  }

  async function turn() {
    if (doubtful) {
      doubtful = false
      await reconcile()
    }
    const limit = free()
    if (stopped || !wanted || limit <= 0) return
    wanted = false
    const { jobs, more } = await source.claim(limit)
    if (more) wanted = true
    if (stopped) await source.giveBack(jobs)
    else for (const job of jobs) begin(job)
  }

  function retryLater(error: unknown) {
    wanted = true
    doubtful = true
    if (finished) return
    if (pauseMs === firstPauseMs) deps.log.warn({ err: error }, 'Jobs could not be claimed')
    pause = setTimeout(() => {
      pause = null
      pump()
    }, pauseMs)
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  }

  /**
   * A claim or an outcome may have been lost on its way in either direction. What the ledger does not
   * hold to be ours is stopped; what we know nothing of is freed. No claim is under way meanwhile.
   */
  async function reconcile() {
    const mine = [...holds]
    const held = await ledger.listHeld({ workerId, types })
    const keys = new Set(held.map(holdKey))
    for (const hold of mine) if (!keys.has(holdKey(hold.job))) hold.abandon('lost')
    const orphans = held.filter(
      (job) => !job.overdue && newest.get(job.id)?.job.attempt !== job.attempt,
    )
    if (orphans.length === 0) return
    await ledger.release({ workerId, only: orphans, error: 'The claim was lost on its way.' })
  }

  function begin(job: Parameters<typeof takeHold>[0]) {
    const earlier = newest.get(job.id)
    earlier?.abandon('lost')
    // The database forgot the first claim in a crash: freeing that one frees this one.
    if (earlier?.job.attempt === job.attempt) return
    const hold = takeHold(job, ({ job: { id, attempt } }) => {
      ledger
        .expire({ id, attempt, workerId })
        .catch((error: unknown) =>
          deps.log.warn({ err: error, job_id: id }, 'A passed deadline is left to the sweep'),
        )
    })
    holds.add(hold)
    newest.set(job.id, hold)
    inHand++
    hold.done = work(hold, earlier)
  }

  /** Never rejects. */
  async function work(hold: Hold, earlier: Hold | undefined): Promise<void> {
    let end: HandlerEnd
    try {
      // Two attempts of one job must not overlap, not even in one process.
      if (earlier !== undefined) await earlier.done
      end =
        hold.abandoned === null
          ? await options.handle(hold.job, hold.signal)
          : { state: 'rejected', error: 'It was not begun.' }
    } catch (error) {
      end = { state: 'rejected', error: describe(error) }
    }
    inHand--
    if (inHand === 0) for (const tell of emptied.splice(0)) tell()
    pumpSoon()
    let ending: AttemptEnding | null = null
    try {
      ending = await report(hold, end)
    } catch (error) {
      deps.log.error({ err: error, job_id: hold.job.id }, 'An outcome could not be written')
    }
    source.ended(hold.job, ending)
    hold.dispose()
    holds.delete(hold)
    if (newest.get(hold.job.id) === hold) newest.delete(hold.job.id)
    pumpSoon()
  }

  function wake() {
    wanted = true
    pump()
  }

  async function stop() {
    stopped = true
    // At the latest now, what a claim under way brings is given back.
    await turning
    await source.stop()
  }

  async function finish() {
    finished = true
    clearInterval(poll)
    if (pause !== null) clearTimeout(pause)
    await turning
    await source.close()
  }

  return {
    options,
    get active() {
      return inHand
    },
    wake,
    doubt() {
      doubtful = true
      pump()
    },
    cancel(jobIds) {
      for (const id of jobIds) newest.get(id)?.abandon('cancelled')
    },
    abandon() {
      for (const hold of holds) hold.abandon('lost')
    },
    async drain() {
      await stop()
      await Promise.all([...holds].map((hold) => hold.done))
      await finish()
    },
    async close() {
      for (const hold of holds) hold.abandon('closing')
      await stop()
      if (inHand > 0) await new Promise<void>((resolve) => emptied.push(resolve))
      closeBy = performance.now() + closeWaitMs
      await within(closeWaitMs, Promise.all([...holds].map((hold) => hold.done)))
      await finish()
    },
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([work, timeout])
  clearTimeout(timer)
}
