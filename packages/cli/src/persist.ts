import { setTimeout as pause } from 'node:timers/promises'
import { SlipwayError } from '@slipway/sdk'
import type { Io } from './io.ts'

const firstPauseMs = 500
const longestPauseMs = 5_000

/**
 * Asks until the server answers: it may be starting, or be out of reach for a while. What it refuses is thrown
 * at once, what keeps it from answering after `giveUpMs`, and the reason of `io.signal` when that aborts.
 */
export async function persist<T>(
  ask: () => Promise<T>,
  { io, giveUpMs }: { io: Pick<Io, 'err' | 'signal'>; giveUpMs: number },
): Promise<T> {
  const until = performance.now() + giveUpMs
  for (let failures = 0; ; failures += 1) {
    try {
      return await ask()
    } catch (error) {
      io.signal.throwIfAborted()
      const left = until - performance.now()
      if (!mayPass(error) || left <= 0) throw error
      if (failures === 0) await io.err.write(`${(error as Error).message}; trying again\n`)
      const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10))
      // Not all who wait for one server come back at once.
      const spread = Math.min(left, ms * (0.75 + Math.random() / 2))
      await pause(spread, undefined, { signal: io.signal }).catch(() => io.signal.throwIfAborted())
    }
  }
}

/** No answer, and those of proxies, of servers that stop, are full or have lost their database. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof SlipwayError)) return false
  return error.status === 0 || error.status === 429 || error.status >= 500
}
