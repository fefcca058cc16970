import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { StatusError } from '@slipway/contract/pipelines'

/** Milliseconds in which a client may read why it is refused. */
const readMs = 2_000

export type RefusalStatus = 400 | 401 | 403 | 404 | 503

/** The body of a refusal, in the words of a family. */
export type RefusalBody = (status: RefusalStatus, details: string) => object

/** Answers a request for an upgrade by HTTP, and closes the connection. */
export function refuseUpgrade(
  socket: Duplex,
  status: RefusalStatus,
  details: string,
  headers: Readonly<Record<string, string>> = {},
  toBody: RefusalBody = toStatusError,
): void {
  const error = STATUS_CODES[status] ?? 'Error'
  const body = JSON.stringify(toBody(status, details))
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

function toStatusError(status: RefusalStatus, details: string): StatusError {
  return { error: STATUS_CODES[status] ?? 'Error', details }
}
