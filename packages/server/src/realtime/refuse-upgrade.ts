import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { StatusError } from '@slipway/contract/pipelines'

/** Milliseconds in which a client may read why it is refused. */
const readMs = 2_000

/** Answers a request for an upgrade by HTTP, and closes the connection. */
export function refuseUpgrade(
  socket: Duplex,
  status: 400 | 401 | 403 | 404 | 503,
  details: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const error = STATUS_CODES[status] ?? 'Error'
  const body = JSON.stringify({ error, details } satisfies StatusError)
  const all = {
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'x-content-type-options': 'nosniff',
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const cut = setTimeout(() => socket.destroy(), readMs)
  cut.unref()
  socket.once('close', () => clearTimeout(cut))
  socket.end(`HTTP/1.1 ${status} ${error}\r\n${lines.join('')}\r\n${body}`)
}
