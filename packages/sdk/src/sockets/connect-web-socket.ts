import type { CreatedTicket } from '@slipway/contract/access'
import { webSockets } from '#web-socket'
import { SlipwayError } from '../slipway-error.ts'
import type { Query, Transport } from '../transport.ts'
import type { Connection } from './follow-socket.ts'
import { createInbox } from './inbox.ts'
import type { OpenedWebSocket, WebSocketEnd } from './web-socket.ts'

export interface WebSocketTarget {
  /** Below the client's base URL. */
  path: string
  query?: Query
  /** Asks by HTTP whether the client may have this socket, and rejects if not: browsers do not say why. */
  probe: () => Promise<unknown>
}

/** A message of the server's: one JSON object. */
export type SocketFrame = { type: string } & Record<string, unknown>

export interface WebSocketConnection extends Connection<SocketFrame> {
  send(message: object): void
}

/** Messages that a reader may be behind. */
const mostWaiting = 10_000
/** What a WebSocket's subprotocol may be made of (RFC 9110, 5.6.2 "token"). */
const protocolToken = /^[\w!#$%&'*+.^`|~-]+$/
const policyViolation = 1008
/** Looks whether anything came, within the client's `idleMs`. */
const ticks = 3

/**
 * One connection to a socket of the server, which is one that speaks first: resolves with its first message,
 * which `next` then gives. A server that is silent is pinged, and given up when it stays silent for the
 * client's `idleMs`. When `signal` aborts, the connection is closed.
 *
 * @throws SlipwayError as the server refused it, or with `status` 0
 */
export async function connectWebSocket(
  transport: Transport,
  target: WebSocketTarget,
  signal: AbortSignal,
): Promise<WebSocketConnection> {
  const input = await addressOf(transport, target, signal)
  signal.throwIfAborted()
  const inbox = createInbox<SocketFrame>(mostWaiting, () => socket.close())
  const welcome = settleLater()
  let welcomed = false
  let quietTicks = 0

  const over = (why: Error) => {
    clearInterval(watch)
    clearTimeout(deadline)
    signal.removeEventListener('abort', leave)
    inbox.close(why)
    welcome.reject(why)
    socket.close()
  }
  const leave = () => over(lost('The connection was given up'))

  const socket: OpenedWebSocket = webSockets.open(input, {
    onText(text) {
      quietTicks = 0
      const frame = parseFrame(text)
      if (frame === null) return over(unreadable())
      inbox.put(frame)
      welcomed = true
      clearTimeout(deadline)
      return welcome.resolve()
    },
    onClose(end) {
      if (welcomed || end.opened) return over(errorOf(end, welcomed))
      if (end.refusal !== undefined) return over(end.refusal)
      const why = lost(`No WebSocket from ${input.url.host}${end.reason ? `: ${end.reason}` : ''}`)
      if (webSockets.hasHeaders) return over(why)
      void target.probe().then(
        () => over(why),
        (refusal: unknown) => over(refusal instanceof SlipwayError ? refusal : why),
      )
      return undefined
    },
  })
  const deadline = setTimeout(() => {
    const message = `${input.url.host} did not open a socket within ${transport.timeoutMs} ms`
    over(new SlipwayError({ status: 0, code: 'timeout', message }))
  }, transport.timeoutMs)
  // Ticks are counted, not time: a program that was asleep has not listened meanwhile.
  const watch = setInterval(() => {
    quietTicks += 1
    if (quietTicks > ticks) return over(lost(`Nothing came for ${transport.idleMs} ms`))
    socket.send('{"type":"ping"}')
    return undefined
  }, transport.idleMs / ticks)
  signal.addEventListener('abort', leave, { once: true })

  await welcome.promise
  return {
    next: () => inbox.take(),
    send: (message) => socket.send(JSON.stringify(message)),
  }
}

/**
 * The token goes into a header; where there are none, into a protocol that is offered and never chosen, or,
 * if it cannot be part of one, a ticket for it into the address. A page without a token has its cookie.
 */
async function addressOf(
  transport: Transport,
  { path, query }: WebSocketTarget,
  signal: AbortSignal,
) {
  const url = transport.address({ path, ...(query === undefined ? {} : { query }) })
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const token = await transport.token()
  if (webSockets.hasHeaders) {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return { url, headers: { ...transport.headers, ...authorization }, protocols: [] }
  }
  if (token === undefined) return { url, headers: {}, protocols: [] }
  if (protocolToken.test(token)) {
    return { url, headers: {}, protocols: ['slipway', `slipway.bearer.${token}`] }
  }
  const { ticket } = (await transport.json({
    method: 'POST',
    path: 'v1/tickets',
    signal,
  })) as CreatedTicket
  url.searchParams.set('ticket', ticket)
  return { url, headers: {}, protocols: [] }
}

/**
 * Why an open socket was closed. Whoever was heard before and is told to go comes back once more, and learns
 * from the handshake whether the token is at fault; whoever was never let in is not wanted as they are.
 */
function errorOf({ code, reason }: WebSocketEnd, welcomed: boolean): SlipwayError {
  const message = `The socket was closed with ${code}${reason ? `: ${reason}` : ''}`
  if (code !== policyViolation || welcomed) return lost(message)
  return new SlipwayError({ status: 403, code: 'authorization_failed', message })
}

function lost(message: string): SlipwayError {
  return new SlipwayError({ status: 0, code: 'network_error', message })
}

function unreadable(): SlipwayError {
  const message = 'The server sent a message that cannot be read'
  return new SlipwayError({ status: 200, code: 'invalid_response', message })
}

function settleLater() {
  let resolve = () => {}
  let reject: (why: Error) => void = () => {}
  const promise = new Promise<void>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { promise, resolve, reject }
}

function parseFrame(text: string): SocketFrame | null {
  try {
    const frame = JSON.parse(text) as { type?: unknown } | null
    return typeof frame?.type === 'string' ? (frame as SocketFrame) : null
  } catch {
    return null
  }
}
