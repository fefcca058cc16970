import type { IncomingMessage, Server } from 'node:http'

/** Milliseconds that any request may take to come: the server's own limit, which stands behind ours. */
export const longestRequestMs = 8 * 3_600_000
/** Milliseconds that a request may take to come. */
const requestMs = 120_000

/** Uploads that may take longer, and end by themselves where nothing comes any more. */
const uploads = /^\/v1\/workers\/[^/?]+\/(?:objects|jobs\/[^/?]+\/attempts\/\d+\/blobs)\//

/**
 * Ends the connection of whoever is too slow in sending a request: a slow one may not hold a socket for ever.
 * Uploads have a limit of their own.
 */
export function limitRequestTime(server: Server, ms = requestMs): void {
  server.on('request', (request: IncomingMessage) => {
    if (request.complete || uploads.test(request.url ?? '')) return
    const timer = setTimeout(() => {
      // A body that nobody reads has no end, also when it has come.
      if (!request.complete) request.socket.destroy()
    }, ms)
    const stop = () => clearTimeout(timer)
    request.once('end', stop)
    request.once('close', stop)
  })
}
