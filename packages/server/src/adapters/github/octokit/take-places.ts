import { GitHubError } from '../../../ports/github.ts'

export interface Places {
  /** Does `work` when there is a place for it; `away` where too many wait already. */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/** Lets `count` through at once, first come, first served; `waiting` more may wait. */
export function createPlaces({ count, waiting }: { count: number; waiting: number }): Places {
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
  return {
    async take(signal, work) {
      signal.throwIfAborted()
      await arrive(signal)
      try {
        return await work()
      } finally {
        const next = queue.shift()
        if (next === undefined) free += 1
        else next()
      }
    },
  }
}
