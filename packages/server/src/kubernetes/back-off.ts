import { setTimeout as sleep } from 'node:timers/promises'

const firstPauseMs = 100
const longestPauseMs = 5_000

/** Pauses that grow while nobody answers, each different, so that not everybody comes back at once. */
export function createBackOff() {
  let pauseMs = firstPauseMs
  return {
    reset() {
      pauseMs = firstPauseMs
    },
    /** Waits at least `leastMs`; rejects with the reason of `signal` when that aborts. */
    async pause(signal: AbortSignal, leastMs = 0): Promise<void> {
      const ms = Math.max(leastMs, pauseMs * (0.75 + Math.random() / 2))
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      try {
        await sleep(ms, undefined, { signal })
      } catch {
        signal.throwIfAborted()
      }
    },
  }
}
