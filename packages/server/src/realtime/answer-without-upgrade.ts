import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

/** Headers that ask for the upgrade, and would ask again. */
const asking: ReadonlySet<string> = new Set(['upgrade', 'http2-settings'])

/**
 * Lets the server answer a request as if no upgrade had been asked for (RFC 9110, 7.8: a server may
 * ignore it). Clients of HTTP/2, Java's and curl's, offer `h2c` with requests of every kind; node:http
 * has given up the connection by then, so it is handed over anew, with the head written once more.
 */
export function answerWithoutUpgrade(
  server: Server,
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
): void {
  const { method = 'GET', url = '/', httpVersion, rawHeaders } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    if (asking.has(name.toLowerCase())) continue
    lines.push(`${name}: ${name.toLowerCase() === 'connection' ? withoutAsking(value) : value}`)
  }
  // node:http reads headers as latin1.
  const written = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  socket.unshift(Buffer.concat([written, head]))
  server.emit('connection', socket)
}

function withoutAsking(connection: string): string {
  const kept = connection
    .split(',')
    .map((option) => option.trim())
    .filter((option) => !asking.has(option.toLowerCase()))
  return kept.length === 0 ? 'keep-alive' : kept.join(', ')
}
