import { readText } from './read-text.ts'
import { backoff } from './retry-delay.ts'
import { mayPass, SlipwayError } from './slipway-error.ts'
import { splitLines } from './split-lines.ts'
import type { Transport } from './transport.ts'
import { wait } from './wait.ts'

/** A line of a text whose lines are numbered from 1, dense, and the same for ever. */
export interface NumberedLine {
  seq: number
  /** Without its line end. */
  line: string
}

export interface FollowLinesInput {
  path: string
  /** Only lines behind this one. */
  after: number
  /** Goes on with what is written, until the server ends it. */
  follow: boolean
  signal?: AbortSignal | undefined
}

const mostDelayMs = 5_000

/**
 * Lines of a text/plain answer that takes `?after=` and `?follow=true`. What breaks off is opened again
 * behind the last whole line; what ends in order is over.
 *
 * @throws SlipwayError when the server refuses, cannot be reached at first within the client's retries, or
 *   not again within `reconnectMs`
 */
export async function* followTextLines(
  transport: Transport,
  { path, after, follow, signal }: FollowLinesInput,
): AsyncGenerator<NumberedLine, void, undefined> {
  const { policy } = transport
  let seq = after
  let opened = false
  let lastGood = Date.now()
  for (let made = 0; ; made += 1) {
    try {
      const response = await transport.open({
        path,
        query: { follow: follow || undefined, after: seq > 0 ? seq : undefined },
        headers: { accept: 'text/plain' },
        signal,
      })
      opened = true
      lastGood = Date.now()
      // Silence may be a step that says nothing, or a connection that is dead: it is opened again.
      for await (const line of splitLines(readText(response, transport.idleMs))) {
        lastGood = Date.now()
        made = 0
        seq += 1
        yield { seq, line }
      }
      return
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof SlipwayError && !mayPass(error)) throw error
      const spent = opened ? Date.now() - lastGood > transport.reconnectMs : made >= policy.retries
      if (spent) throw asSlipwayError(error)
    }
    await wait(backoff(made, { ...policy, maxDelayMs: mostDelayMs }), signal)
  }
}

function asSlipwayError(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error
  const message = `The log broke off: ${error instanceof Error ? error.message : String(error)}`
  return new SlipwayError({ status: 0, code: 'network_error', message, cause: error })
}
