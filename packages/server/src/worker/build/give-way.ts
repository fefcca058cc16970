import { setImmediate as yieldToOthers } from 'node:timers/promises'

/** Milliseconds of work that hold nobody up. */
const longestMs = 20

/**
 * For long work on this thread, to be called often: null as long as it may go on at once, else what it
 * waits for while others have their turn. Rejects then with the reason of the signal, if it has aborted.
 */
export type GiveWay = () => Promise<void> | null

export function createGiveWay(signal: AbortSignal): GiveWay {
  let since = performance.now()
  const wait = async () => {
    await yieldToOthers()
    signal.throwIfAborted()
    since = performance.now()
  }
  return () => (performance.now() - since < longestMs ? null : wait())
}
