import type { ServerResponse } from 'node:http'
import type { StoredEvent } from '../../../events/index.ts'
import { waitForDrain } from '../../wait-for-drain.ts'

/**
 * One response as a stream of Server-Sent Events (WHATWG HTML, "Server-sent events").
 *
 * Everything that is written goes through the socket's own backpressure: `send` waits for a reader
 * that is behind, so nothing is buffered for it beyond one event.
 */
export interface EventStream {
  /** Aborted when the client is gone or `end` was called. */
  readonly closed: AbortSignal
  /**
   * True, at once unless the reader is behind; false when it took nothing for `drainMs` or is gone.
   */
  send(block: Buffer | string): boolean | Promise<boolean>
  /** Ends the response; a socket that does not take the rest is destroyed. */
  end(): void
}

export interface EventStreamOptions {
  headers: Record<string, number | string | string[] | undefined>
  /** How long a client waits before it comes back, in milliseconds. */
  retryMs: number
  /** A comment this often keeps proxies from closing a silent stream. */
  heartbeatMs: number
  /** The longest that a reader may take nothing. */
  drainMs: number
  /** Cursor to tell with the heartbeat, so that a reader of few events resumes close by. */
  position: () => number | undefined
}

const END_MS = 2_000

/** Sends the head and the first bytes at once. */
export function openEventStream(raw: ServerResponse, options: EventStreamOptions): EventStream {
  const closing = new AbortController()
  let blocked = false
  let told: number | undefined

  raw.on('error', () => closing.abort())
  raw.once('close', () => {
    clearInterval(heartbeat)
    closing.abort()
  })
  const heartbeat = setInterval(() => {
    if (blocked || raw.writableEnded) return
    const position = options.position()
    raw.write(position === undefined || position === told ? ':\n\n' : `:\n${idBlock(position)}`)
    told = position
  }, options.heartbeatMs)
  heartbeat.unref()

  raw.writeHead(200, {
    ...options.headers,
    'content-type': 'text/event-stream',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  raw.write(`retry: ${options.retryMs}\n\n`)
  if (raw.destroyed) closing.abort()

  async function drained(): Promise<boolean> {
    blocked = true
    const result = await waitForDrain(raw, { drainMs: options.drainMs, signal: closing.signal })
    blocked = false
    if (!result) raw.destroy()
    return result
  }

  return {
    closed: closing.signal,
    send(block) {
      if (closing.signal.aborted) return false
      return raw.write(block) || drained()
    },
    end() {
      clearInterval(heartbeat)
      closing.abort()
      if (raw.destroyed) return
      const timer = setTimeout(() => raw.destroy(), END_MS)
      timer.unref()
      raw.once('close', () => clearTimeout(timer))
      raw.end()
    },
  }
}

/** Moves the client's last event id; without data, a client dispatches nothing. */
export function idBlock(seq: number): string {
  return `id: ${seq}\n\n`
}

const frames = new WeakMap<StoredEvent, Buffer>()

/** The block of one event: bytes made once, and shared by all streams that send it. */
export function eventBlock(event: StoredEvent): Buffer {
  let frame = frames.get(event)
  if (frame === undefined) {
    frame = Buffer.from(`id: ${event.seq}\nevent: ${event.type}\ndata: ${event.json}\n\n`)
    frames.set(event, frame)
  }
  return frame
}
