import { createInbox, type Msg } from '@nats-io/transport-node'
import type { NatsLink } from './open-link.ts'

/** Asks one consumer for messages, one request at a time. */
export interface Puller {
  /** Whether a request is under way. */
  readonly busy: boolean
  /**
   * Asks for up to `count` messages that are there now; answers how many came. Rejects when there is no
   * connection or no answer: what comes of the request all the same is given to `onMessage`.
   */
  fetch(count: number): Promise<number>
  /** Asks for the next message, whenever it comes; `onIdle` is called when this is over, with or without one. */
  arm(): void
  /** Nothing is asked any more; what is on its way is still given to `onMessage`. Never rejects. */
  close(): Promise<void>
}

const fetchMs = 2000
/** Milliseconds for which a consumer remembers that we wait: a request that got lost is missed for so long. */
const armedMs = 5000
const graceMs = 1000
const nanos = 1_000_000

interface Request {
  token: string
  left: number
  got: number
  timer: NodeJS.Timeout
  end(error: Error | null): void
}

export function openPuller(
  link: NatsLink,
  target: { stream: string; consumer: string },
  events: { onMessage(message: Msg): void; onIdle(): void },
): Puller {
  const inbox = createInbox()
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${target.stream}.${target.consumer}`
  let current: Request | null = null
  let asked = 0
  let closed = false

  const subscription = link.subscribe(`${inbox}.*`, (message) => {
    // Jobs come under the subject that they were published to.
    if (!message.subject.startsWith(`${inbox}.`)) return receive(message)
    const code = message.headers?.code ?? 0
    const isHeartbeat = code === 100
    if (isHeartbeat || message.subject !== `${inbox}.${current?.token}`) return
    const isEnd = code === 404 || code === 408
    const why = message.headers?.description ?? ''
    current?.end(isEnd ? null : new Error(`${target.consumer} of ${target.stream}: ${why}`))
  })
  // What a connection was asked is forgotten with it.
  const forget = link.onConnected(() => current?.end(new Error('The connection to NATS was lost')))

  function receive(message: Msg) {
    events.onMessage(message)
    if (current === null) return
    current.got++
    if (--current.left <= 0) current.end(null)
  }

  function ask(
    input: { count: number; waitMs: number; request: object },
    onEnd: (got: number, error: Error | null) => void,
  ) {
    const { connection } = link
    if (connection === null || closed) return onEnd(0, link.failure ?? new Error('It is closed'))
    const token = String(++asked)
    const request: Request = {
      token,
      left: input.count,
      got: 0,
      timer: setTimeout(() => request.end(new Error('NATS does not answer')), input.waitMs),
      end(error) {
        if (current !== request) return
        current = null
        clearTimeout(request.timer)
        onEnd(request.got, error)
      },
    }
    current = request
    const reply = `${inbox}.${token}`
    connection.publish(subject, JSON.stringify({ batch: input.count, ...input.request }), { reply })
  }

  return {
    get busy() {
      return current !== null
    },
    fetch: (count) =>
      new Promise((resolve, reject) => {
        ask({ count, waitMs: fetchMs, request: { no_wait: true } }, (got, error) => {
          if (error === null || got > 0) resolve(got)
          else reject(error)
        })
      }),
    arm() {
      const request = { expires: armedMs * nanos }
      ask({ count: 1, waitMs: armedMs + graceMs, request }, () => {
        if (!closed) events.onIdle()
      })
    },
    async close() {
      if (closed) return
      closed = true
      forget()
      current?.end(new Error('It is closed'))
      await subscription.close()
    },
  }
}
