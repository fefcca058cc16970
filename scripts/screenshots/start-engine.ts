import { once } from 'node:events'
import { createServer } from 'node:http'

/** An engine that says that it is there, and does nothing: containers are in no picture. */
export async function startEngine(socketPath: string): Promise<{ close(): Promise<void> }> {
  const server = createServer(({ method, url = '' }, response) => {
    const { pathname } = new URL(url, 'http://engine')
    const answers: Record<string, string> = { _ping: 'OK', volumes: '{"Volumes":[]}' }
    const known = answers[pathname.split('/').at(-1) ?? ''] ?? (method === 'GET' ? '[]' : undefined)
    response.writeHead(known === undefined ? 404 : 200, { 'api-version': '1.47' })
    response.end(known ?? '{"message":"there is nothing here"}')
  }).listen(socketPath)
  await once(server, 'listening')
  return {
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
