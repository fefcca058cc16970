import { reconnectDelay } from './retry-delay.ts'
import { mayPass, retryAfterOf, SlipwayError } from './slipway-error.ts'
import { createSseParser, type SseEvent } from './sse-parser.ts'
import { readText } from './read-text.ts'
import type { Query, Transport } from './transport.ts'
import { wait } from './wait.ts'

export interface FollowInput {
  path: string
  query?: Query
  /** Resume behind this id. */
  lastId?: string
  signal?: AbortSignal | undefined
  /** Called at each (re)opening, before the first event that follows. */
  onOpen?: (() => void) | undefined
  /** Called when a connection is over, or none came about, and another will be tried. */
  onClose?: (() => void) | undefined
  /** True: the stream has an end. False: it is opened again for ever. */
  finite: boolean
}

/**
 * The events of a Server-Sent Events endpoint, over as many connections as it takes: each resumes
 * behind the last event of the one before (`Last-Event-ID`), so none is missed or seen twice.
 *
 * A finite stream is over at an event `end`, or when a connection that brought nothing new closes
 * in order: a server that merely restarts closes in order too.
 *
 * @throws SlipwayError when the server refuses, cannot be reached at first within the client's
 *   retries, or not again within `reconnectMs`
 */
export async function* followStream(
  transport: Transport,
  input: FollowInput,
): AsyncGenerator<SseEvent, void, undefined> {
  const { signal } = input
  let lastId = input.lastId ?? ''
  let opened = false
  let lastGood = Date.now()
  for (let made = 0; ; made += 1) {
    const parser = createSseParser(lastId)
    let progress = false
    let failure: unknown
    try {
      const response = await transport.open({
        path: input.path,
        headers: {
          accept: 'text/event-stream',
          'cache-control': 'no-store',
          ...(lastId === '' ? {} : { 'last-event-id': lastId }),
        },
        ...(input.query === undefined ? {} : { query: input.query }),
        signal,
      })
      opened = true
      lastGood = Date.now()
      input.onOpen?.()
      for await (const text of readText(response, transport.idleMs)) {
        lastGood = Date.now()
        for (const event of parser.push(text)) {
          if (input.finite && event.type === 'end') return
          progress = true
          yield event
        }
      }
      if (input.finite && !progress) return
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof SlipwayError && !mayPass(error)) throw error
      if (error instanceof RangeError) throw error
      failure = error
    }
    input.onClose?.()
    lastId = parser.lastId
    if (progress) made = 0
    const spent = opened
      ? Date.now() - lastGood > transport.reconnectMs
      : made >= transport.policy.retries
    const delay = reconnectDelay({ made, retryAfter: retryAfterOf(failure) }, transport.policy)
    if ((spent || delay === null) && failure !== undefined) throw asSlipwayError(failure)
    await wait(Math.max(parser.retryMs ?? 0, delay ?? 0), signal)
  }
}

function asSlipwayError(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error
  const message = `The stream broke off: ${error instanceof Error ? error.message : String(error)}`
  return new SlipwayError({ status: 0, code: 'network_error', message, cause: error })
}
