import { setTimeout as pause } from 'node:timers/promises'
import type { KeptServer } from './keep-server.ts'
import type { RequestSigner } from './sign-request.ts'

/** The server cannot be asked: it is dead, starting, or cannot be reached from here. */
export class ServerAway extends Error {
  override readonly name = 'ServerAway'
  /** Null where nothing is known of it any more. */
  readonly server: { name: string; lastSeenAt: Date } | null

  constructor(server: { name: string; lastSeenAt: Date } | null, options?: ErrorOptions) {
    super(
      server === null ? 'a server is no longer known' : `${server.name} cannot be asked`,
      options,
    )
    this.server = server
  }
}

/** Milliseconds until an answer has begun, where nothing else is said. */
const defaultAnswerMs = 5_000
/** Milliseconds for which a server that is alive, but starts, is waited for. */
const startMs = 15_000

export interface CallServerInput {
  /** Id of its data directory. */
  home: string
  method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Path and query. */
  target: string
  body?: Buffer
  signal?: AbortSignal
  /** Milliseconds until the answer has begun. Default 5,000. */
  answerMs?: number
}

/** Asks another server something in this one's name; rejects with `ServerAway` where it does not answer. */
export type CallServer = (input: CallServerInput) => Promise<Response>

export function createCallServer(deps: {
  self: Pick<KeptServer, 'find' | 'now'>
  signer: RequestSigner
}): CallServer {
  const { self, signer } = deps

  const locate = async (home: string, signal: AbortSignal | undefined) => {
    const until = performance.now() + startMs
    for (;;) {
      const server = await self.find(home)
      if (server === null || !server.isAlive) throw new ServerAway(server)
      if (server.url !== null) return { ...server, url: server.url }
      if (performance.now() > until) throw new ServerAway(server)
      await pause(250, undefined, signal === undefined ? {} : { signal })
    }
  }

  return async ({ home, method, target, body, signal, answerMs = defaultAnswerMs }) => {
    const server = await locate(home, signal)
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), answerMs)
    const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal])
    try {
      return await fetch(new URL(server.url + target), {
        method,
        redirect: 'error',
        signal: either,
        headers: {
          authorization: signer.sign({ method, target, home }, self.now()),
          ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        },
        ...(body === undefined ? {} : { body }),
      })
    } catch (error) {
      signal?.throwIfAborted()
      throw new ServerAway(server, { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }
}
