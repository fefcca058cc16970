/** Lets so many at once; answers how one gives its turn to the next. Waiting ends with `signal`. */
export function createTurns(atOnce: number): (signal: AbortSignal) => Promise<() => void> {
  let free = atOnce
  const waiting = new Set<() => void>()

  const release = () => {
    const [next] = waiting
    if (next === undefined) free += 1
    else {
      waiting.delete(next)
      next()
    }
  }

  return async (signal) => {
    signal.throwIfAborted()
    if (free > 0) free -= 1
    else {
      await new Promise<void>((resolve, reject) => {
        const stop = () => {
          waiting.delete(begin)
          reject(signal.reason as Error)
        }
        const begin = () => {
          signal.removeEventListener('abort', stop)
          resolve()
        }
        waiting.add(begin)
        signal.addEventListener('abort', stop, { once: true })
      })
    }
    let released = false
    return () => {
      if (!released) release()
      released = true
    }
  }
}
