import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** A request as the target got it. */
export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
  event: { event_type: string; timestamp: string; data: Record<string, unknown> }
}

/** A receiver of webhooks on a socket of its own. */
export interface WebhookTarget {
  readonly url: string
  readonly port: number
  readonly received: Received[]
  /** Connections that were ever made. */
  connections(): number
}

export type Respond = (response: ServerResponse, received: Received, count: number) => void

export const status =
  (code: number, headers: Record<string, string> = {}, body = ''): Respond =>
  (response) =>
    void response.writeHead(code, headers).end(body)

/** Answers as `respond` says, 200 by default; gone after the test. */
export async function startTarget(respond: Respond = status(200)): Promise<WebhookTarget> {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((request, response) => {
    response.on('error', () => {})
    text(request).then(
      (body) => {
        const event = JSON.parse(body) as Received['event']
        const entry = { path: request.url ?? '', headers: request.headers, body, event }
        received.push(entry)
        respond(response, entry, received.length)
      },
      () => {},
    )
  })
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/hook`, port, received, connections: () => connections }
}
