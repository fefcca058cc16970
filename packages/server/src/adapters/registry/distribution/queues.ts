/** Runs an action when those before it with the same key have ended, whatever became of them. */
export type InTurn = <T>(key: string, signal: AbortSignal, action: () => Promise<T>) => Promise<T>

/** Whoever waits stops waiting, and never acts, when its signal aborts. */
export function createQueues(): InTurn {
  const last = new Map<string, Promise<unknown>>()
  return async (key, signal, action) => {
    const act = async () => {
      signal.throwIfAborted()
      return action()
    }
    const before = last.get(key) ?? Promise.resolve()
    const mine = before.then(act, act)
    last.set(key, mine)
    const forget = () => {
      if (last.get(key) === mine) last.delete(key)
    }
    mine.then(forget, forget)
    return untilAborted(mine, signal)
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
