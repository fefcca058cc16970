import type { ClaimedAttempt } from '../../../jobs/index.ts'
import { JobAborted } from '../../../ports/job-bus.ts'

/** Longer than this is more than a timer can wait. */
const longestTimerMs = 2 ** 31 - 1

/** One claimed attempt in the hands of a subscription, from its claim until the ledger has its outcome. */
export interface Hold {
  readonly job: ClaimedAttempt
  readonly signal: AbortSignal
  /** Why its handler was told to stop; null while it may go on. */
  readonly abandoned: JobAborted['why'] | null
  /** Resolves when its handler has returned and the ledger has what came of it. Never rejects. */
  done: Promise<void>
  /** Tells the handler to stop; only the first reason counts, but that `closing` gives way to others. */
  abandon(why: JobAborted['why']): void
  /** Stops the clock. */
  dispose(): void
}

/** One attempt of one job. */
export function holdKey(job: { id: string; attempt: number }): string {
  return `${job.id}:${job.attempt}`
}

/** `onDeadline` is called once the attempt's time is over, its handler having been told. */
export function takeHold(job: ClaimedAttempt, onDeadline: (hold: Hold) => void): Hold {
  const controller = new AbortController()
  const endsAt = performance.now() + job.timeoutMs
  let abandoned: JobAborted['why'] | null = null
  let timer: NodeJS.Timeout
  const hold: Hold = {
    job,
    signal: controller.signal,
    get abandoned() {
      return abandoned
    },
    done: Promise.resolve(),
    abandon(why) {
      if (abandoned !== null && abandoned !== 'closing') return
      abandoned = why
      controller.abort(new JobAborted(why))
    },
    dispose: () => clearTimeout(timer),
  }
  const watch = () => {
    const left = endsAt - performance.now()
    timer = setTimeout(
      () => {
        if (left > longestTimerMs) return watch()
        hold.abandon('expired')
        onDeadline(hold)
      },
      Math.min(Math.max(left, 0), longestTimerMs),
    )
  }
  watch()
  return hold
}
