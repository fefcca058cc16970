import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleRun, watchRepository } from '../support/monitor.ts'
import { connectSocket, type SocketClient } from '../support/socket-client.ts'
import { startStatusServer, type StatusServer } from '../support/status-server.ts'

let server: StatusServer
let compatPort: number
let publicUrl: string
let ids = 1_000

beforeAll(async () => {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  compatPort = (free.address() as AddressInfo).port
  free.close()
  await once(free, 'close')
  publicUrl = `http://localhost:${compatPort}`
  server = await startStatusServer({
    SLIPWAY_PUBLIC_URL: publicUrl,
    SLIPWAY_COMPAT_PORTS: String(compatPort),
  })
})
afterAll(() => server.close())

const at = (path = '/ws') => `${serverUrl()}${path}`
/** Where it listens as well; it says its public URL. */
const serverUrl = () => `http://127.0.0.1:${compatPort}`

async function subscribe(client: SocketClient) {
  await client.ask({ type: 'subscribe', channel: 'pipelines' }, 'phase2.subscribed')
}

describe('a credential', () => {
  it('is needed', async () => {
    await expect(connectSocket(at())).rejects.toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer', 'content-type': 'application/json; charset=utf-8' },
      body: '{"error":"Unauthorized","details":"This needs a bearer token"}',
    })
  })

  it.each([
    ['an unknown token', { authorization: 'Bearer slw_unknown' }, '/ws'],
    ['a password', { authorization: 'Basic YTpi' }, '/ws'],
    ['an unknown ticket', {}, '/ws?ticket=unknown'],
    ['a bad token beside a ticket', { authorization: 'Bearer slw_unknown' }, '/ws?ticket=x'],
  ])('is refused: %s', async (_what, headers, path) => {
    await expect(connectSocket(at(path), { headers })).rejects.toMatchObject({ status: 401 })
  })

  it('must have the permission', async () => {
    const { token } = await server.tokenFor({ roles: ['service-account'] })
    await expect(connectSocket(at(), { token })).rejects.toMatchObject({
      status: 403,
      body: '{"error":"Forbidden","details":"This needs the permission pipelines:read"}',
    })
  })

  it('may be a ticket, once', async () => {
    const { token } = await server.tokenFor({ roles: ['viewer'] })
    const { ticket } = await server.json<{ ticket: string }>('POST', '/v1/tickets', { token })
    const client = await connectSocket(at(`/ws?ticket=${ticket}`))
    await subscribe(client)
    await expect(connectSocket(at(`/ws?ticket=${ticket}`))).rejects.toMatchObject({ status: 401 })
  })

  it('that is revoked closes its sockets, also those of its tickets, and no others', async () => {
    const { token, id } = await server.tokenFor({ roles: ['viewer'] })
    const { ticket } = await server.json<{ ticket: string }>('POST', '/v1/tickets', { token })
    const byToken = await connectSocket(at(), { token })
    const byTicket = await connectSocket(at(`/ws?ticket=${ticket}`))
    const other = await connectSocket(at(), { token: server.token })
    await server.json('DELETE', `/v1/tokens/${id}`, { expect: 204 })
    const goodbye = { code: 1008, reason: 'The token is no longer valid' }
    expect(await byToken.closed).toEqual(goodbye)
    expect(await byTicket.closed).toEqual(goodbye)
    await other.ask({ type: 'ping' }, 'pong')
  })

  it('that is limited to repositories sees these alone, in events and figures', async () => {
    const { db } = server.database
    const mine = await watchRepository(db, 'Owner/mine')
    const theirs = await watchRepository(db, 'owner/theirs')
    const { token } = await server.tokenFor({ roles: ['viewer'], repositories: ['owner/mine'] })
    const limited = await connectSocket(at(), { token })
    const all = await connectSocket(at(), { token: server.token })
    await subscribe(limited)
    await subscribe(all)
    const now = new Date()
    const times = { createdAt: now, runStartedAt: now, updatedAt: now }
    await server.hear(theirs, { runs: [sampleRun({ id: ids++, ...times })] })
    const run = sampleRun({ id: ids++, ...times })
    await server.hear(mine, { runs: [run] })
    const told = await limited.take(({ type }) => type === 'phase2.event')
    expect(told['data']).toMatchObject({ repository: 'Owner/mine', runId: run.id })
    const figures = await limited.take(({ event }) => event === 'pipeline:status-summary')
    expect(figures['data']).toMatchObject({ totalPipelines: 1, successful: 1, repositories: 1 })
    const both = await all.take(({ event }) => event === 'pipeline:status-summary')
    expect(both['data']).toMatchObject({ totalPipelines: 2, successful: 2, repositories: 2 })
    expect(JSON.stringify(limited.messages)).not.toContain('theirs')
    expect(JSON.stringify(all.messages)).toContain('owner/theirs')
  })
})

describe('the page that connects', () => {
  it.each(['https://evil.example', 'http://127.0.0.1:1', 'null', 'http://localhost.evil.example'])(
    'is turned away with 1008 from %s',
    async (origin) => {
      const client = await connectSocket(at(), { token: server.token, headers: { origin } })
      expect(await client.closed).toEqual({
        code: 1008,
        reason: 'Pages of other sites may not connect',
      })
      expect(client.messages).toEqual([])
    },
  )

  it.each([['of the public URL'], ['of the address that was asked']])(
    'may be %s',
    async (whose) => {
      const origin = whose === 'of the public URL' ? publicUrl : serverUrl()
      const client = await connectSocket(at(), { token: server.token, headers: { origin } })
      await subscribe(client)
    },
  )
})

describe('other upgrades', () => {
  it('have no socket at other paths', async () => {
    for (const path of ['/', '/wss', '/ws/other', '/v1/events']) {
      await expect(connectSocket(at(path), { token: server.token })).rejects.toMatchObject({
        status: 404,
        body: expect.stringContaining('"error":"Not Found"'),
      })
    }
    await subscribe(await connectSocket(at('/ws/'), { token: server.token }))
  })

  it('must be a handshake of WebSockets', async () => {
    const authorization = `Bearer ${server.token}`
    const headers = { authorization, connection: 'upgrade', upgrade: 'websocket' }
    const asking = request(at(), { headers })
    asking.end()
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    answer.resume()
    expect(answer.statusCode).toBe(400)
  })

  it.each(['GET', 'POST'])(
    'to HTTP/2 are answered as if %s had not asked for it',
    async (method) => {
      const body =
        method === 'GET' ? undefined : JSON.stringify({ name: 'by h2c', roles: ['viewer'] })
      const asking = request(at('/v1/tokens'), {
        method,
        headers: {
          authorization: `Bearer ${server.token}`,
          connection: 'Upgrade, HTTP2-Settings',
          upgrade: 'h2c',
          'http2-settings': 'AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA',
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': body.length }),
        },
      })
      asking.end(body)
      const [answer] = (await once(asking, 'response')) as [IncomingMessage]
      const told = JSON.parse(Buffer.concat(await answer.toArray()).toString()) as object
      expect(answer.statusCode).toBe(method === 'GET' ? 200 : 201)
      if (method === 'POST') expect(told).toMatchObject({ name: 'by h2c' })
    },
  )
})
