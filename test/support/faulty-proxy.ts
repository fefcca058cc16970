import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the proxy does with a request: hands it on, answers 503, or nothing at all. */
type Mode = 'pass' | 'down' | 'hang'

export interface FaultyProxy {
  /** `127.0.0.1:<port>` */
  readonly host: string
  mode: Mode
  /** Resolves when a request has been left without an answer since this was asked for. */
  nextHung(): Promise<void>
  close(): Promise<void>
}

/** Stands before an HTTP server whose absence is to be tested. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const waiting: (() => void)[] = []
  const server = createServer((incoming, answer) => {
    if (proxy.mode === 'hang') {
      for (const hung of waiting.splice(0)) hung()
      return
    }
    if (proxy.mode === 'down') {
      incoming.resume()
      answer.writeHead(503).end()
      return
    }
    const { method, url, headers } = incoming
    const onward = request(`http://${target}${url}`, { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    incoming.pipe(onward)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: FaultyProxy = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    mode: 'pass',
    nextHung: () => new Promise((resolve) => waiting.push(resolve)),
    async close() {
      const closed = once(server, 'close')
      server.close().closeAllConnections()
      await closed
    },
  }
  return proxy
}
