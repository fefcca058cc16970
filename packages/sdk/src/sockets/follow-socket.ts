import { reconnectDelay } from '../retry-delay.ts'
import { mayPass, retryAfterOf } from '../slipway-error.ts'
import type { CallOptions, Transport } from '../transport.ts'
import { wait } from '../wait.ts'

/** What whoever subscribes to something may say. */
export interface SubscribeOptions extends CallOptions {
  /**
   * Called at each (re)opening: what happens from then on is told. What happened before is asked for by
   * the API, also after a connection that broke.
   */
  onOpen?: (() => void) | undefined
  /** Called when a connection is over, or none came about, and another will be tried. */
  onClose?: (() => void) | undefined
}

/** A connection by which messages come. */
export interface Connection<T> {
  /** The next message; rejects with a `SlipwayError` when the connection is over. */
  next(): Promise<T>
}

/** Milliseconds after which a connection was a good one. */
const lastingMs = 5_000

/**
 * The messages of a socket, over as many connections as it takes, without end. `connect` opens one: it is
 * given a signal that aborts when nobody wants it any more, and `next` rejects from then on.
 *
 * @throws SlipwayError when the server refuses, cannot be reached at first within the client's
 *   retries, or not again within `reconnectMs`, or asks for a longer wait than the client's policy has
 */
export async function* followSocket<T>(
  transport: Transport,
  connect: (signal: AbortSignal) => Promise<Connection<T>>,
  { signal, onOpen, onClose }: SubscribeOptions,
): AsyncGenerator<T, void, undefined> {
  let wasOpen = false
  let lastGood = Date.now()
  for (let made = 0; ; made += 1) {
    const leaving = new AbortController()
    const either = signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal
    let openedAt: number | null = null
    let failure: unknown
    try {
      signal?.throwIfAborted()
      const connection = await connect(either)
      openedAt = Date.now()
      wasOpen = true
      onOpen?.()
      for (;;) {
        const message = await connection.next()
        signal?.throwIfAborted()
        yield message
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (!mayPass(error)) throw error
      failure = error
    } finally {
      leaving.abort()
    }
    onClose?.()
    if (openedAt !== null) {
      lastGood = Date.now()
      // Whoever lets in and breaks off again and again is asked ever less often, too.
      if (lastGood - openedAt >= lastingMs) made = 0
    }
    const isSpent = wasOpen
      ? Date.now() - lastGood > transport.reconnectMs
      : made >= transport.policy.retries
    const delay = reconnectDelay({ made, retryAfter: retryAfterOf(failure) }, transport.policy)
    if (isSpent || delay === null) throw failure
    await wait(delay, signal)
  }
}
