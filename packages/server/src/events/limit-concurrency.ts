/** Lets at most `limit` of the tasks run at once; the others wait in order, and nothing bounds how many. */
export function limitConcurrency(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (task) => {
    if (running === limit) await new Promise<void>((resolve) => void waiting.push(resolve))
    else running += 1
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      // The place is handed over, not given back, so that nobody slips in between.
      if (next === undefined) running -= 1
      else next()
    }
  }
}
