import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** Milliseconds that any request may take to come: the server's own limit, which stands behind ours. */
export const longestRequestMs = 8 * 3_600_000
/** Milliseconds that a request may take to come. */
const requestMs = 120_000

/** Uploads that may take longer, and end by themselves where nothing comes any more. */
const uploads = /^\/v1\/workers\/[^/?]+\/(?:objects|jobs\/[^/?]+\/attempts\/\d+\/blobs)\//

/**
 * Ends the connection of whoever is too slow in sending a request: a slow one may not hold a socket for ever.
 * Uploads have a limit of their own, until they are answered: who is refused may go on no longer than others.
 */
export function limitRequestTime(server: Server, ms = requestMs): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.complete) return
    const limit = () => endLater(request, ms)
    if (uploads.test(request.url ?? '')) response.once('finish', limit)
    else limit()
  })
}

function endLater(request: IncomingMessage, ms: number): void {
  const { socket } = request
  const timer = setTimeout(() => {
    stop()
    // A body that nobody reads has no end, also when it has come.
    if (!request.complete) socket.destroy()
  }, ms)
  const stop = () => {
    clearTimeout(timer)
    request.off('end', stop)
    socket.off('close', stop)
  }
  request.once('end', stop)
  socket.once('close', stop)
}
