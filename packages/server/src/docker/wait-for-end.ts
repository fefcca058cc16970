import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import { type Docker, DockerRefusal } from './connect-docker.ts'
import { hasEnded, inspectContainer, type InspectedContainer } from './container-state.ts'

const firstPauseMs = 100
const longestPauseMs = 5_000

/**
 * Resolves when the container has ended, at once if it has already. An engine that goes away is waited
 * for: `interrupted` says that it was, so the end may be its doing.
 */
export async function waitForEnd(
  docker: Docker,
  id: string,
  signal: AbortSignal,
): Promise<{ container: InspectedContainer; interrupted: boolean }> {
  let interrupted = false
  const back = createBackOff()
  for (;;) {
    try {
      const container = await waitOnce(docker, id, signal)
      if (container !== null) return { container, interrupted }
      back.reset()
    } catch (error) {
      if (!isAway(error)) throw error
      interrupted = true
    }
    await back.pause(signal)
  }
}

/** Null: the engine ended the wait, though the container goes on. */
async function waitOnce(
  docker: Docker,
  id: string,
  signal: AbortSignal,
): Promise<InspectedContainer | null> {
  // Before it is looked at: an end between the two is told by the one or the other.
  const waiting = await docker.send(
    {
      method: 'POST',
      path: `/containers/${encodeURIComponent(id)}/wait`,
      query: { condition: 'next-exit' },
      answerMs: null,
    },
    signal,
  )
  try {
    const now = await inspectContainer(docker, id, signal)
    if (hasEnded(now)) return now
    for await (const _ of waiting) void _
  } catch (error) {
    signal.throwIfAborted()
    throw isTold(error) ? error : new AppError('unavailable', 'The engine broke off')
  } finally {
    waiting.destroy()
  }
  const then = await inspectContainer(docker, id, signal)
  return hasEnded(then) ? then : null
}

/** Said by the engine or by us; anything else is a connection that broke. */
export function isTold(error: unknown): boolean {
  return error instanceof AppError || error instanceof DockerRefusal
}

export function isAway(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unavailable'
}

/** Pauses that grow while there is nobody. */
export function createBackOff() {
  let pauseMs = firstPauseMs
  return {
    reset() {
      pauseMs = firstPauseMs
    },
    async pause(signal: AbortSignal): Promise<void> {
      const ms = pauseMs
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      try {
        await sleep(ms, undefined, { signal })
      } catch {
        signal.throwIfAborted()
      }
    },
  }
}
