import { setTimeout as sleep } from 'node:timers/promises'
import type {
  CallToolResult,
  Client,
  StreamableHTTPClientTransport,
  Transport,
} from '@modelcontextprotocol/client'
import { McpFailure } from './mcp-failure.ts'
import type { ToolCall, Tools } from './plan-call.ts'

export interface SessionOptions {
  /** One that is not yet started, for each connection. */
  open(): Promise<Transport>
  /** Of ours. */
  version: string
  /** Milliseconds that one message may take. */
  timeoutMs: number
  /** Milliseconds that connecting may take: a child may have to be started first. */
  connectMs: number
  /** Milliseconds until the first attempt to connect again; it doubles with each that fails. */
  firstPauseMs: number
  /** Told when there is a connection, with the names of its tools. Must not throw. */
  connected(tools: readonly string[]): void
  /** Told when there is none any more, or it cannot be made. Must not throw. */
  lost(why: string): void
}

/** A connection with its tools. */
export interface Session {
  tools: Tools
  /** Asks again which tools there are. */
  refresh(signal: AbortSignal): Promise<void>
  call(call: ToolCall, signal: AbortSignal): Promise<CallToolResult>
}

export interface SessionKeeper {
  /** Does `work` with a connection; an `McpFailure` that is `unsent` where there is none. */
  use<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T>
  /** Ends the connection, and its process. */
  close(): Promise<void>
}

interface Kept {
  session: Session
  client: Client
  users: number
  /** By `performance.now()`; 0: as soon as possible. */
  refreshAt: number
}

const longestPauseMs = 60_000
/** Milliseconds that a server may take to be told that its session is over. */
const farewellMs = 1_000
/** Milliseconds for which the list of tools counts. */
const refreshMs = 600_000

/**
 * Keeps one connection: made when it is first needed, given up when a message fails or is not answered,
 * made again later and later. What is given up is closed when nobody uses it any more: a start that is
 * under way keeps its answer.
 */
export function keepSession(options: SessionOptions): SessionKeeper {
  const { timeoutMs, connectMs, firstPauseMs } = options
  const closing = new Set<Promise<void>>()
  const all = new Set<Kept>()
  let current: Promise<Kept> | null = null
  let failures = 0
  let notBefore = 0
  let isClosed = false
  let held: Kept | null = null
  let connecting: Client | null = null

  const fail = (why: string) => {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 16))
    failures += 1
    notBefore = performance.now() + pauseMs * (0.5 + Math.random() / 2)
    options.lost(why)
  }
  const shut = (client: Client) => {
    const ended = endSession(client)
      .then(() => client.close())
      .catch(() => {})
      .finally(() => closing.delete(ended))
    closing.add(ended)
    return ended
  }
  const release = (kept: Kept) => {
    if (kept.users === 0 && all.has(kept) && !isCurrent(kept)) {
      all.delete(kept)
      void shut(kept.client)
    }
  }
  const isCurrent = (kept: Kept) => held === kept
  const giveUp = (kept: Kept, why: string) => {
    if (!isCurrent(kept)) return
    held = null
    current = null
    if (!isClosed) fail(why)
    release(kept)
  }

  const connect = async (): Promise<Kept> => {
    const { Client } = await import('@modelcontextprotocol/client')
    const client = new Client({ name: 'slipway', version: options.version })
    connecting = client
    try {
      const transport = await options.open()
      if (isClosed) throw new Error('closed')
      // What it waits for besides the answer to its first message has no deadline of its own.
      await inTime(connectMs, client.connect(transport, { timeout: connectMs }))
      const session: Session = {
        tools: new Map(),
        async refresh(signal) {
          const { tools } = await ask(() => client.listTools(undefined, limitsOf(signal)), signal)
          session.tools = new Map(tools.map((tool) => [tool.name, tool]))
          kept.refreshAt = performance.now() + refreshMs
        },
        async call(call, signal) {
          const result = await ask(() => client.callTool(call, limitsOf(signal)), signal)
          failures = 0
          return result
        },
      }
      const kept: Kept = { session, client, users: 0, refreshAt: 0 }
      const ask = async <T>(send: () => Promise<T>, signal: AbortSignal): Promise<T> => {
        try {
          return await send()
        } catch (error) {
          signal.throwIfAborted()
          const failure = toFailure(error)
          // A tool may be gone, or take something else since.
          if (failure.reason === 'tool_error') kept.refreshAt = 0
          else giveUp(kept, failure.message)
          throw failure
        }
      }
      await session.refresh(AbortSignal.timeout(timeoutMs))
      if (isClosed) throw new Error('closed')
      client.onclose = () => giveUp(kept, 'it has ended')
      all.add(kept)
      held = kept
      options.connected([...session.tools.keys()])
      return kept
    } catch (error) {
      void shut(client)
      throw error
    } finally {
      connecting = null
    }
  }
  const limitsOf = (signal: AbortSignal) => ({
    signal,
    timeout: timeoutMs,
    maxTotalTimeout: timeoutMs,
  })

  const connected = async (signal: AbortSignal): Promise<Kept> => {
    if (isClosed) throw new McpFailure('unreachable', 'closed', true)
    if (current === null) {
      if (performance.now() < notBefore) {
        throw new McpFailure('unreachable', 'not connected; another attempt comes later', true)
      }
      const attempt = connect()
      current = attempt
      attempt.catch((error: unknown) => {
        if (current !== attempt) return
        current = null
        if (!isClosed) fail(describe(error))
      })
    }
    try {
      return await inTime(connectMs, current, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw new McpFailure('unreachable', describe(error), true)
    }
  }

  return {
    async use(signal, work) {
      signal.throwIfAborted()
      const kept = await connected(signal)
      kept.users += 1
      try {
        if (performance.now() >= kept.refreshAt) await kept.session.refresh(signal)
        return await work(kept.session)
      } finally {
        kept.users -= 1
        release(kept)
      }
    },
    async close() {
      isClosed = true
      if (connecting !== null) await shut(connecting)
      await current?.catch(() => {})
      current = null
      held = null
      for (const kept of all) void shut(kept.client)
      all.clear()
      await Promise.all(closing)
    },
  }
}

/** Rejects where `work` takes longer, or `signal` aborts. */
async function inTime<T>(ms: number, work: Promise<T>, signal?: AbortSignal): Promise<T> {
  const done = new AbortController()
  const until = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal])
  const late = sleep(ms, undefined, { signal: until }).then(() =>
    Promise.reject(new Error('no connection in time')),
  )
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}

/** Over HTTP a server keeps a session until it is told, or tired of it. */
async function endSession({ transport }: Client): Promise<void> {
  if (transport === undefined || !('terminateSession' in transport)) return
  const { terminateSession } = transport as StreamableHTTPClientTransport
  await inTime(farewellMs, terminateSession.call(transport)).catch(() => {})
}

const refusedCodes = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']

/** What a failed message means. By name and code: the SDK's classes are loaded late. */
function toFailure(error: unknown): McpFailure {
  const message = describe(error)
  const code = (error as { code?: unknown } | null)?.code
  const name = error instanceof Error ? error.name : ''
  if (name === 'ProtocolError') return new McpFailure('tool_error', message, code === -32_601)
  if (code === 'REQUEST_TIMEOUT') return new McpFailure('timeout', message)
  if (refusedCodes.includes(causeOf(error))) return new McpFailure('unreachable', message, true)
  if (code === 'NOT_CONNECTED') return new McpFailure('unreachable', message, true)
  const isGone = code === 'CONNECTION_CLOSED' || code === 'SEND_FAILED' || name === 'TypeError'
  const isHttp = typeof code === 'string' && code.startsWith('CLIENT_HTTP')
  return new McpFailure(isGone || isHttp ? 'unreachable' : 'nonsense', message)
}

function causeOf(error: unknown): string {
  for (let at = error, depth = 0; depth < 5 && at instanceof Error; depth++) {
    if ('code' in at && typeof at.code === 'string' && refusedCodes.includes(at.code)) {
      return at.code
    }
    at = at.cause
  }
  return ''
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 300) : 'unknown'
}
