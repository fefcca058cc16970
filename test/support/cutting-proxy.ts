import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CuttingProxy {
  /** `127.0.0.1:<port>` */
  readonly host: string
  /** Bytes of the next such answer's body after which its connection ends; null: it passes whole. */
  cut: (asked: { method: string; url: string }) => number | null
  close(): Promise<void>
}

/** Stands before an HTTP server whose answers are to break off, or to be lost once it has done its work. */
export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const server = createServer((incoming, answer) => {
    const { method = '', url = '', headers } = incoming
    const onward = request(`http://${target}${url}`, { method, headers }, (response) => {
      const limit = proxy.cut({ method, url })
      if (limit === 0) {
        response.resume()
        response.once('end', () => answer.destroy())
        return
      }
      answer.writeHead(response.statusCode ?? 502, response.headers)
      let sent = 0
      response.on('data', (chunk: Buffer) => {
        const rest = limit === null ? chunk : chunk.subarray(0, Math.max(0, limit - sent))
        sent += chunk.length
        const isOver = limit !== null && sent >= limit
        answer.write(rest, () => isOver && answer.destroy())
      })
      response.on('end', () => answer.end())
    })
    onward.on('error', () => answer.destroy())
    incoming.pipe(onward)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: CuttingProxy = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => null,
    async close() {
      const closed = once(server, 'close')
      server.close().closeAllConnections()
      await closed
    },
  }
  return proxy
}
