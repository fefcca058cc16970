import { SlipwayError } from '../slipway-error.ts'

/** Messages of a connection that were not taken yet. */
export interface Inbox<T> {
  put(message: T): void
  /** No more will come. What waits is given first. Only the first call counts. */
  close(why: Error): void
  /** The oldest one, as soon as there is one; rejects with why there are no more. */
  take(): Promise<T>
}

/**
 * An inbox is full with `most` messages, and closes: a reader that is so far behind begins anew, as after a
 * connection that broke, rather than filling the memory.
 */
export function createInbox<T>(most: number, onFull: () => void): Inbox<T> {
  let waiting: T[] = []
  let from = 0
  let over: Error | null = null
  let wake = () => {}

  const inbox: Inbox<T> = {
    put(message) {
      if (over !== null) return
      waiting.push(message)
      wake()
      if (waiting.length - from < most) return
      inbox.close(tooFarBehind(most))
      onFull()
    },
    close(why) {
      over ??= why
      wake()
    },
    async take() {
      for (;;) {
        if (from < waiting.length) {
          const message = waiting[from] as T
          from += 1
          if (from === waiting.length || from >= 1_024) {
            waiting = waiting.slice(from)
            from = 0
          }
          return message
        }
        if (over !== null) throw over
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        wake = () => {}
      }
    },
  }
  return inbox
}

function tooFarBehind(most: number): SlipwayError {
  const message = `The reader is ${most} messages behind`
  return new SlipwayError({ status: 0, code: 'network_error', message })
}
