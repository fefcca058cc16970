import { GitError } from './git-error.ts'

/** Actions that must not overlap, by what they work on. */
export interface Turns {
  /**
   * Runs the action when all that came before for this key have ended. Whoever's signal aborts while
   * waiting leaves at once, and its action is not run; those behind it do not notice. `wanted` aborts
   * when somebody waits behind the action: what can be put off should end then.
   */
  take<T>(key: string, signal: AbortSignal, action: (wanted: AbortSignal) => Promise<T>): Promise<T>
  /** Actions of this key that run or wait. */
  count(key: string): number
}

export function createTurns(): Turns {
  const last = new Map<
    string,
    { ended: Promise<unknown>; count: number; wanted: AbortController }
  >()
  return {
    take(key, signal, action) {
      const before = last.get(key)
      before?.wanted.abort()
      const wanted = new AbortController()
      const turn = (before?.ended ?? Promise.resolve()).then(() => {
        if (signal.aborted) throw stopped()
        return action(wanted.signal)
      })
      const count = (before?.count ?? 0) + 1
      const mine = { ended: turn.catch(() => undefined), count, wanted }
      last.set(key, mine)
      void mine.ended.then(() => {
        const now = last.get(key)
        if (now !== undefined && --now.count === 0) last.delete(key)
      })
      return orAborted(turn, signal)
    },
    count: (key) => last.get(key)?.count ?? 0,
  }
}

function orAborted<T>(turn: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(stopped())
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function stopped(): GitError {
  return new GitError('git was stopped', false)
}
