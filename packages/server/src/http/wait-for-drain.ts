import type { ServerResponse } from 'node:http'

/**
 * Waits until the reader has taken what was written. False when it took nothing for `drainMs`
 * or is gone: nothing more may be written then.
 */
export function waitForDrain(
  raw: ServerResponse,
  options: { drainMs: number; signal: AbortSignal },
): Promise<boolean> {
  const { drainMs, signal } = options
  return new Promise((resolve) => {
    const settle = (taken: boolean) => () => {
      clearTimeout(timer)
      raw.off('drain', onDrain)
      signal.removeEventListener('abort', onGone)
      resolve(taken)
    }
    const onDrain = settle(true)
    const onGone = settle(false)
    const timer = setTimeout(onGone, drainMs)
    raw.once('drain', onDrain)
    signal.addEventListener('abort', onGone)
    if (signal.aborted) onGone()
  })
}
