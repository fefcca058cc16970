import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** A page of somebody's own before a server, at one address with it, as a reverse proxy has them. */
export interface PageServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  close(): Promise<void>
}

/** Answers `files` by their path, and hands on to `target` what else is asked for, upgrades too. */
export async function servePage(
  target: string,
  files: Readonly<Record<string, { type: string; content: string }>>,
): Promise<PageServer> {
  const { hostname, port } = new URL(target)
  const upgraded = new Set<Socket>()
  const server = createServer((incoming, answer) => {
    const { method, url = '/', headers } = incoming
    const file = files[url.split('?', 1)[0] ?? '']
    if (file !== undefined) {
      answer.writeHead(200, { 'content-type': `${file.type}; charset=utf-8` }).end(file.content)
      return
    }
    const onward = request({ hostname, port, path: url, method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    answer.once('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  server.on('upgrade', ({ method, url, rawHeaders }, client: Socket, head: Buffer) => {
    const onward = connect(Number(port), hostname)
    for (const socket of [client, onward]) {
      upgraded.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        upgraded.delete(socket)
        client.destroy()
        onward.destroy()
      })
    }
    const lines = rawHeaders.map((text, index) => `${text}${index % 2 === 0 ? ': ' : '\r\n'}`)
    onward.write(`${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n`)
    onward.write(head)
    client.pipe(onward).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of upgraded) socket.destroy()
      server.close().closeAllConnections()
      await once(server, 'close')
    },
  }
}
