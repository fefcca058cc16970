import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface RegistryCall {
  method: string
  /** With its query. */
  url: string
  headers: IncomingHttpHeaders
  /** The how-manieth request of this method and path it is, from 1; uploads all have one path. */
  time: number
}

/**
 * What happens instead of an answer: a status, nothing at all (whether the body is read or not), a connection that is cut (at once, or
 * after some of the body has come), or whatever the function does with the response. Null: the answer.
 */
export type Fault =
  | null
  | number
  | 'silence'
  | 'deafness'
  | 'cut'
  | { cutAfter: number }
  | ((response: ServerResponse) => void)

/** A small registry in memory, over real sockets, that fails when it is told to. */
export interface FaultRegistry {
  readonly host: string
  readonly calls: RegistryCall[]
  readonly blobs: Map<string, Buffer>
  /** By tag and by digest. */
  readonly manifests: Map<string, Buffer>
  /** Uploads that were begun and neither ended nor given up. */
  readonly uploads: Map<string, Buffer>
  close(): void
}

export async function startFaultRegistry(
  fault: (call: RegistryCall) => Fault = () => null,
): Promise<FaultRegistry> {
  const calls: RegistryCall[] = []
  const blobs = new Map<string, Buffer>()
  const manifests = new Map<string, Buffer>()
  const uploads = new Map<string, Buffer>()
  const times = new Map<string, number>()
  let count = 0

  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const key = `${method} ${url.replace(/\/uploads\/.+$/, '/uploads/*')}`
    const time = (times.get(key) ?? 0) + 1
    times.set(key, time)
    const call = { method, url, headers, time }
    calls.push(call)
    const wrong = fault(call)
    if (wrong === 'deafness') return
    if (wrong === 'silence') return void request.resume()
    if (wrong === 'cut') return void request.socket.destroy()
    if (typeof wrong === 'number') {
      request.resume()
      return void response.writeHead(wrong).end()
    }
    if (typeof wrong === 'function') {
      request.resume()
      return wrong(response)
    }
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (wrong !== null && size >= wrong.cutAfter) request.socket.destroy()
    })
    request.on('error', () => {})
    request.on('end', () => answer(call, Buffer.concat(chunks), response))
  })

  function answer({ method, url }: RegistryCall, body: Buffer, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, 'http://unused')
    const last = pathname.split('/').at(-1) ?? ''
    const send = (status: number, headers: Record<string, string> = {}, content?: Buffer) =>
      void response.writeHead(status, headers).end(method === 'HEAD' ? undefined : content)
    if (pathname === '/v2/') return send(200)
    if (method === 'POST') {
      const id = `u${++count}`
      uploads.set(id, Buffer.alloc(0))
      // A relative place with a query, as the specification allows.
      return send(202, { location: `${pathname}${id}?_state=a%2Fb` })
    }
    if (pathname.includes('/blobs/uploads/')) {
      const before = uploads.get(last)
      if (before === undefined) return send(404)
      const content = Buffer.concat([before, body])
      if (method === 'DELETE') {
        uploads.delete(last)
        return send(204)
      }
      if (method === 'PATCH') {
        uploads.set(last, content)
        return send(202, { location: `${pathname}?_state=a%2Fb`, range: `0-${content.length - 1}` })
      }
      const digest = searchParams.get('digest') ?? ''
      if (digest !== digestOf(content) || searchParams.get('_state') !== 'a/b') return send(400)
      uploads.delete(last)
      blobs.set(digest, content)
      return send(201)
    }
    if (method === 'PUT') {
      manifests.set(last, body)
      manifests.set(digestOf(body), body)
      return send(201, { 'docker-content-digest': digestOf(body) })
    }
    const found = (pathname.includes('/blobs/') ? blobs : manifests).get(last)
    if (found === undefined) return send(404)
    return send(200, { 'content-length': String(found.length) }, found)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    blobs,
    manifests,
    uploads,
    close() {
      server.close().closeAllConnections()
    },
  }
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}
