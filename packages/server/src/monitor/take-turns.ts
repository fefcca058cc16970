import { AppError } from '../errors.ts'
import { limitConcurrency } from '../events/index.ts'

/** Lets at most `limit` of the tasks run at once; `unavailable` where `maxWaiting` wait for their turn already. */
export function takeTurns(
  limit: number,
  maxWaiting: number,
): <T>(task: () => Promise<T>) => Promise<T> {
  const inTurn = limitConcurrency(limit)
  let here = 0
  return async (task) => {
    if (here >= limit + maxWaiting) {
      throw new AppError('unavailable', 'Too many such figures are being computed already', {
        retry_after_seconds: 10,
      })
    }
    here += 1
    try {
      return await inTurn(task)
    } finally {
      here -= 1
    }
  }
}
