import { setTimeout as pause } from 'node:timers/promises'
import { GitError } from './git-error.ts'

/** Milliseconds before something is tried again that failed for a reason that may pass. */
const retryMs = [2_000, 5_000, 10_000]
/** Milliseconds from the first try after which a failure is not tried again. */
const retryForMs = 120_000

/** Tries again what failed with a `GitError` that is not permanent, a few times. */
export async function retryPassing<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
  const retryUntil = Date.now() + retryForMs
  for (let tries = 0; ; tries++) {
    try {
      return await action()
    } catch (error) {
      const waitMs = retryMs[tries]
      const passing = error instanceof GitError && !error.permanent
      if (!passing || waitMs === undefined || signal.aborted || Date.now() > retryUntil) throw error
      await pause(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
