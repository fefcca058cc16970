import { once } from 'node:events'
import { createServer } from 'node:http'

/** Something at an engine's socket that says that it is there, and answers 404 to everything else. */
export async function startRefusingEngine(socketPath: string): Promise<{ close(): Promise<void> }> {
  const server = createServer(({ url = '' }, response) => {
    const isPing = url.split('?')[0]?.endsWith('/_ping') === true
    response.writeHead(isPing ? 200 : 404, { 'api-version': '1.41' })
    response.end(isPing ? 'OK' : '{"message":"page not found"}')
  }).listen(socketPath)
  await once(server, 'listening')
  return {
    async close() {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
