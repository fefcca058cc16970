import { setTimeout as pause } from 'node:timers/promises'
import type { BuildControl } from '../../builds/index.ts'
import { AppError } from '../../errors.ts'

/** Milliseconds between two tries that got no answer: a control plane that is away comes back. */
const firstPauseMs = 100
const longestPauseMs = 5_000

/** The control plane says that the work is not ours any more: cancelled, replaced or over. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

/** What the control plane answers; `Refused` where it says that the build is not this worker's. */
export async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const isRefusal =
      error instanceof AppError &&
      (error.code === 'resource_conflict' || error.code === 'resource_not_found')
    throw isRefusal ? new Refused('not ours any more', { cause: error }) : error
  }
}

/**
 * Tells the control plane how a build ended, again until it has answered. `refused`: it is certain that
 * it will not have it. Rejects where it may have it, or not.
 */
export async function completeBuild(
  builds: Pick<BuildControl, 'completeBuild'>,
  input: Parameters<BuildControl['completeBuild']>[0],
  signal: AbortSignal,
): Promise<'told' | 'refused'> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      await asked(builds.completeBuild(input))
      return 'told'
    } catch (error) {
      // An answer that was lost may have been a yes, and a refusal afterwards the consequence of that.
      if (error instanceof Refused && pauseMs === firstPauseMs) return 'refused'
      if (error instanceof Refused || error instanceof AppError || signal.aborted) throw error
      await pause(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
