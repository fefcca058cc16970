import { GitHubError } from '../../../ports/github.ts'

export interface Places {
  /** Does `work` when there is a place for it; `away` where too many wait already. */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/**
 * Lets `count` through at once, first come, first served; `waiting` more may wait. With `apartMs`, a
 * place is free again only when that long has passed since it was taken.
 */
export function createPlaces(input: { count: number; waiting: number; apartMs?: number }): Places {
  const { count, waiting, apartMs = 0 } = input
  let free = count
  const queue: (() => void)[] = []

  const arrive = (signal: AbortSignal): Promise<void> => {
    if (free > 0) {
      free -= 1
      return Promise.resolve()
    }
    if (queue.length >= waiting) {
      throw new GitHubError('away', `More than ${waiting} requests wait for GitHub`)
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        queue.splice(queue.indexOf(begin), 1)
        reject(signal.reason as Error)
      }
      queue.push(begin)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
  const handOn = () => {
    const next = queue.shift()
    if (next === undefined) free += 1
    else next()
  }
  return {
    async take(signal, work) {
      signal.throwIfAborted()
      await arrive(signal)
      const begunAt = performance.now()
      try {
        return await work()
      } finally {
        const restMs = begunAt + apartMs - performance.now()
        if (restMs > 0) setTimeout(handOn, restMs).unref()
        else handOn()
      }
    },
  }
}
