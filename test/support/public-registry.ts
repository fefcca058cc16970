import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { registryUser } from './docker-registry.ts'

/** Whom its token server takes for nobody in particular. */
const token = 'of-anybody'
const asUser = `Basic ${Buffer.from(`${registryUser.username}:${registryUser.password}`).toString('base64')}`

/**
 * Stands before a registry and lets everybody read, as Docker Hub does: it asks for a token, which its
 * token server gives to whoever comes without a login. One who shows a login is refused.
 */
export async function startPublicRegistry(
  target: string,
): Promise<{ host: string; tokens: () => number; close(): Promise<void> }> {
  let tokens = 0
  const server = createServer((incoming, answer) => {
    const { method = '', url = '', headers } = incoming
    if (url.startsWith('/token')) {
      tokens += 1
      const isNobody = headers.authorization === undefined
      answer.writeHead(isNobody ? 200 : 401, { 'content-type': 'application/json' })
      return void answer.end(isNobody ? JSON.stringify({ token }) : '{}')
    }
    if (headers.authorization !== `Bearer ${token}` || !/^(GET|HEAD)$/.test(method)) {
      const realm = `http://${headers.host}/token`
      answer.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="public"` })
      return void answer.end()
    }
    const onward = request(
      `http://${target}${url}`,
      { method, headers: { ...headers, authorization: asUser } },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answer)
      },
    )
    onward.on('error', () => answer.destroy())
    incoming.pipe(onward)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokens: () => tokens,
    async close() {
      const closed = once(server, 'close')
      server.close().closeAllConnections()
      await closed
    },
  }
}
