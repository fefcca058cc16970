import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import { removeLeftovers } from './remove-leftovers.ts'

/** Milliseconds between two looks for what nobody needs. */
const everyMs = 60_000

/**
 * Removes leftovers now and every so often. Nobody else has to: a data directory is one process's at a
 * time, and containers are told apart by it.
 */
export function keepTidy(deps: Parameters<typeof removeLeftovers>[0]): { close(): Promise<void> } {
  const closing = new AbortController()
  const { signal } = closing
  const keep = async () => {
    while (!signal.aborted) {
      await removeLeftovers(deps, signal).catch((error: unknown) => {
        if (signal.aborted) return
        // Where there is no engine there are no containers either.
        const isAway = error instanceof AppError && error.code === 'unavailable'
        deps.log[isAway ? 'debug' : 'warn']({ err: error }, 'leftovers could not be looked for')
      })
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    }
  }
  const kept = keep()
  return {
    async close() {
      closing.abort(new Error('the server stops'))
      await kept
    },
  }
}
