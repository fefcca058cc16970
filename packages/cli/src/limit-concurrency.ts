/** Runs what it is given, at most `most` at once, in the order given. */
export function limitConcurrency(most: number) {
  let running = 0
  const waiting: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      // The place passes to who waits longest, or is given back.
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
