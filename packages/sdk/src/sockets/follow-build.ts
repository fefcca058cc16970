import type { BuildFrame } from '@slipway/contract/build-socket'
import type { Transport } from '../transport.ts'
import { connectWebSocket } from './connect-web-socket.ts'
import { followSocket, type SubscribeOptions } from './follow-socket.ts'

export interface BuildSubscribeOptions extends SubscribeOptions {
  /** Only lines with a greater sequence number. */
  after?: number | undefined
}

/** What a build's socket tells; `type` says what it is. */
export type BuildMessage = Exclude<BuildFrame, { type: 'pong' }>

/**
 * A build as it is, what becomes of it, and every line of its log, each thing once over as many connections as
 * it takes; over behind the message `end`.
 */
export async function* followBuild(
  transport: Transport,
  id: number,
  { after = 0, ...options }: BuildSubscribeOptions,
): AsyncGenerator<BuildMessage, void, undefined> {
  const path = `api/pipelines/runs/${id}`
  const probe = () => transport.json({ path, signal: options.signal })
  const isNew = createSieve(after)
  const connect = (signal: AbortSignal) =>
    connectWebSocket(
      transport,
      { path: `${path}/ws`, query: { after: isNew.lastLine() }, probe },
      signal,
    )
  for await (const frame of followSocket(transport, connect, options)) {
    const message = frame as unknown as BuildFrame
    if (message.type === 'pong' || !isNew.check(message)) continue
    yield message
    if (message.type === 'end') return
  }
}

/** Lets pass what was not told before: a connection begins with the state, which may be the same as before. */
function createSieve(after: number) {
  let line = after
  let attempt = 0
  const told = new Set<string>()
  return {
    lastLine: () => line,
    check(message: BuildMessage): boolean {
      if (message.type === 'log') {
        if (message.seq <= line) return false
        line = message.seq
        return true
      }
      if (message.type === 'status' && message.pipeline_run.attempt !== attempt) {
        ;({ attempt } = message.pipeline_run)
        told.clear()
      }
      const text = JSON.stringify(message)
      if (told.has(text)) return false
      told.add(text)
      return true
    },
  }
}
