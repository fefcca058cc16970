import type { Run } from '@slipway/contract/runs'
import { followStream } from './follow-stream.ts'
import type { CallOptions, Transport } from './transport.ts'
import { wait } from './wait.ts'

/** Between two requests for the run at least, and at most, in milliseconds. */
const LEAST_MS = 100
const MOST_MS = 15_000

/**
 * Asks for the run whenever an event speaks of it. Events only say when to ask: what they say is
 * in the answer, so a reader that lost some sees the same.
 */
export async function* watchRun(
  transport: Transport,
  get: (id: string, options: CallOptions) => Promise<Run>,
  id: string,
  { signal }: CallOptions,
): AsyncGenerator<Run, void, undefined> {
  const ending = new AbortController()
  const both = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal
  const news = createNews()
  const events = followEvents(transport, id, both, news)
  try {
    let shown = ''
    // What happens from the opening of the stream on is announced, so the first request follows it.
    await news.next(both)
    for (;;) {
      news.take()
      const run = await get(id, { signal })
      const { text, finished } = fingerprint(run)
      if (text !== shown) yield run
      shown = text
      if (finished) return
      await wait(LEAST_MS, signal)
      await news.next(both)
    }
  } finally {
    ending.abort()
    await events
  }
}

/** Announces each event of the run, and each opening of the stream. Never rejects. */
async function followEvents(
  transport: Transport,
  id: string,
  signal: AbortSignal,
  news: News,
): Promise<void> {
  try {
    const query = { run_id: id }
    const input = { path: 'v1/events', query, signal, finite: false, onOpen: news.announce }
    for await (const _event of followStream(transport, input)) news.announce()
  } catch {
    // Without events the run is asked for every so often, and says itself what is wrong.
    news.announce()
  }
}

/** Signed links differ in every answer; they are no change. */
function fingerprint(run: Run) {
  const text = JSON.stringify(run, (key, value: unknown) =>
    key === 'logs_url' ? undefined : value,
  )
  return { text, finished: run.completed_at !== null }
}

interface News {
  announce: () => void
  take: () => void
  /** Resolves once there is news, or after `MOST_MS`. */
  next: (signal: AbortSignal) => Promise<void>
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
    async next(signal) {
      if (pending) return
      const woken = new AbortController()
      wake = () => woken.abort()
      try {
        await wait(MOST_MS, AbortSignal.any([signal, woken.signal]))
      } catch {
        signal.throwIfAborted()
      } finally {
        wake = () => {}
      }
    },
  }
}
