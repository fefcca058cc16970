import { followStream } from './follow-stream.ts'
import { mayPass } from './slipway-error.ts'
import type { CallOptions, Query, Transport } from './transport.ts'
import { wait } from './wait.ts'

/** Between two requests at least, and at most, in milliseconds. */
const LEAST_MS = 100
const MOST_MS = 15_000
/** Milliseconds that the stream may take to open before it is asked all the same. */
const OPEN_MS = 2_000

/** What is watched: where events of it come from, how it is asked for, and what is a change of it. */
export interface Watched<T> {
  events: Query
  /** Whether an event with this data speaks of it; absent: every one does. */
  concerns?: (data: object) => boolean
  ask: (options: CallOptions) => Promise<T>
  /** A text that is another one when the answer is. */
  textOf: (answer: T) => string
  isFinished: (answer: T) => boolean
  /** Milliseconds between two requests at most. Default 15,000. */
  mostMs?: number
}

export interface WatchOptions extends CallOptions {
  /** Told when the server is away, and when it is back. */
  onAway?: ((isAway: boolean) => void) | undefined
}

/**
 * Asks whenever an event speaks of it, and gives every answer that is another one than before, the
 * finished one last. Events only say when to ask: what they say is in the answer, so a reader that
 * lost some sees the same. Once there was an answer, a server that is away is waited for, up to the client's
 * `reconnectMs`.
 */
export async function* watchAnswers<T>(
  transport: Transport,
  watched: Watched<T>,
  { signal, onAway }: WatchOptions,
): AsyncGenerator<T, void, undefined> {
  const ending = new AbortController()
  const both = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal
  const news = createNews()
  const events = followEvents(transport, watched, both, news)
  try {
    let shown: string | null = null
    let answeredAt: number | null = null
    let wasAway = false
    const tell = (away: boolean) => {
      if (away !== wasAway) onAway?.(away)
      wasAway = away
    }
    const isAway = (error: unknown) =>
      answeredAt !== null && Date.now() - answeredAt < transport.reconnectMs && mayPass(error)
    // What happens from the opening of the stream on is announced, so the first request best follows it.
    await news.next(OPEN_MS, both)
    for (;;) {
      news.take()
      const answered = await watched.ask({ signal }).then(
        (answer) => ({ answer }),
        (error: unknown) => {
          if (signal?.aborted === true || !isAway(error)) throw error
          return null
        },
      )
      tell(answered === null)
      if (answered !== null) {
        const { answer } = answered
        const text = watched.textOf(answer)
        answeredAt = Date.now()
        if (text !== shown) yield answer
        shown = text
        if (watched.isFinished(answer)) return
      }
      await wait(LEAST_MS, signal)
      await news.next(watched.mostMs ?? MOST_MS, both)
    }
  } finally {
    ending.abort()
    await events
  }
}

/** Announces each event, and each opening of the stream. Never rejects. */
async function followEvents(
  transport: Transport,
  { events: query, concerns }: Pick<Watched<never>, 'events' | 'concerns'>,
  signal: AbortSignal,
  news: News,
): Promise<void> {
  try {
    const input = { path: 'v1/events', query, signal, finite: false, onOpen: news.announce }
    for await (const { data } of followStream(transport, input)) {
      if (concerns === undefined || concerns(dataOf(data))) news.announce()
    }
  } catch {
    // Without events it is asked for every so often, and the answers say themselves what is wrong.
    news.announce()
  }
}

/** An event that cannot be read is about nothing. */
function dataOf(text: string): object {
  try {
    const { data } = JSON.parse(text) as { data?: unknown }
    return typeof data === 'object' && data !== null ? data : {}
  } catch {
    return {}
  }
}

interface News {
  announce: () => void
  take: () => void
  /** Resolves once there is news, or after `mostMs`. */
  next: (mostMs: number, signal: AbortSignal) => Promise<void>
}

function createNews(): News {
  let pending = false
  let wake = () => {}
  return {
    announce() {
      pending = true
      wake()
    },
    take() {
      pending = false
    },
    async next(mostMs, signal) {
      if (pending) return
      const woken = new AbortController()
      wake = () => woken.abort()
      try {
        await wait(mostMs, AbortSignal.any([signal, woken.signal]))
      } catch {
        signal.throwIfAborted()
      } finally {
        wake = () => {}
      }
    },
  }
}
