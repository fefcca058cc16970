import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { errorOf, take } from '../../../../test/support/scripted-server.ts'
import { type ClientOptions, createClient } from '../index.ts'

// As in a browser: its own WebSocket, which has no headers and says nothing of a refusal.
vi.mock('#web-socket', () => import('./page-web-socket.ts'))
vi.stubGlobal('WebSocket', WebSocket)

const greeting = JSON.stringify({ type: 'phase2.channels', channels: [] })
const subscribed = JSON.stringify({ type: 'phase2.subscribed', subscribed: ['pipelines'] })
const event = (runId: number) =>
  JSON.stringify({
    type: 'phase2.event',
    channel: 'pipelines',
    event: 'pipeline:started',
    data: { repository: 'a/b', runId },
    timestamp: '2026-01-01T00:00:00.000Z',
  })

/** A server that does with its n-th socket what the n-th of `scripts` says, the last one for good. */
async function serve(
  scripts: readonly ((socket: WebSocket) => void)[],
  { refuse = false, status = 200 } = {},
) {
  const upgrades: IncomingMessage[] = []
  const asked: string[] = []
  const http = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(
        status === 200
          ? { ticket: 'a-ticket' }
          : { error: 'Unauthorized', details: 'Who are you?' },
      ),
    )
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('slipway') ? 'slipway' : false),
  })
  http.on('upgrade', (request, socket, head) => {
    upgrades.push(request)
    if (refuse) return void socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n')
    sockets.handleUpgrade(request, socket, head, (opened) => {
      scripts[Math.min(upgrades.length, scripts.length) - 1]?.(opened)
    })
    return undefined
  })
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate()
    http.close().closeAllConnections()
  })
  const baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const client = (options: Partial<ClientOptions> = {}) =>
    createClient({ baseUrl, retries: { retries: 1, baseDelayMs: 1 }, ...options })
  return { upgrades, asked, client }
}

const welcome = (socket: WebSocket) => {
  socket.send(greeting)
  socket.once('message', () => socket.send(subscribed))
}
/** Welcomes, and tells of this run. */
const tell = (runId: number) => (socket: WebSocket) => {
  socket.send(greeting)
  socket.once('message', () => {
    socket.send(subscribed)
    socket.send(event(runId))
  })
}
const runIds = async (client: ReturnType<typeof createClient>, most: number) =>
  (await take(client.pipelines.subscribe(), most)).map(({ data }) => 'runId' in data && data.runId)

describe('who asks for a socket in a browser', () => {
  it('says so by a protocol that is never chosen', async () => {
    const { upgrades, client } = await serve([tell(1)])
    await take(client({ token: 'slw_secret' }).pipelines.subscribe(), 1)
    expect(upgrades[0]?.headers).toMatchObject({
      'sec-websocket-protocol': 'slipway,slipway.bearer.slw_secret',
    })
    expect(upgrades[0]?.headers.authorization).toBeUndefined()
  })

  it('says so by a ticket where the token cannot be part of a protocol', async () => {
    const { upgrades, asked, client } = await serve([tell(1)])
    await take(client({ token: 'a/b=' }).pipelines.subscribe(), 1)
    expect(asked).toEqual(['POST /v1/tickets'])
    expect(upgrades[0]?.url).toBe('/ws?ticket=a-ticket')
    expect(upgrades[0]?.headers['sec-websocket-protocol']).toBeUndefined()
  })

  it('says nothing without a token: the browser has its cookie', async () => {
    const { upgrades, client } = await serve([tell(1)])
    await take(client().pipelines.subscribe(), 1)
    expect(upgrades[0]?.url).toBe('/ws')
    expect(upgrades[0]?.headers['sec-websocket-protocol']).toBeUndefined()
  })

  it('learns from the API why the handshake was refused', async () => {
    const { asked, client } = await serve([], { refuse: true, status: 401 })
    expect(await errorOf(take(client().pipelines.subscribe()))).toMatchObject({
      status: 401,
      code: 'authentication_failed',
      message: 'Who are you?',
    })
    expect(asked).toEqual(['GET /api/v2/pipelines/status?limit=1'])
    const passing = await serve([], { refuse: true })
    expect(await errorOf(take(passing.client().pipelines.subscribe()))).toMatchObject({
      status: 0,
      code: 'network_error',
    })
    expect(passing.upgrades).toHaveLength(2)
  })
})

describe('a connection', () => {
  it('that does not begin in time is given up', async () => {
    const { upgrades, client } = await serve([() => {}])
    const error = await errorOf(take(client({ timeoutMs: 1_000 }).pipelines.subscribe()))
    expect(error).toMatchObject({ status: 0, code: 'timeout' })
    expect(upgrades).toHaveLength(2)
  })

  it('that does not let subscribe is replaced, however lively it is', async () => {
    const lively = (socket: WebSocket) => {
      socket.send(greeting)
      socket.on('message', () => socket.send('{"type":"pong"}'))
    }
    const { upgrades, client } = await serve([lively, tell(2)])
    expect(await runIds(client({ timeoutMs: 1_000, idleMs: 300 }), 1)).toEqual([2])
    expect(upgrades).toHaveLength(2)
  })

  it('that says nothing any more is replaced', async () => {
    const { upgrades, client } = await serve([welcome, tell(2)])
    expect(await runIds(client({ idleMs: 300 }), 1)).toEqual([2])
    expect(upgrades).toHaveLength(2)
  })

  it('that breaks is replaced, and is not when it is said why nobody is let in', async () => {
    const broken = (socket: WebSocket) => {
      tell(1)(socket)
      socket.once('message', () => setImmediate(() => socket.terminate()))
    }
    const stopping = (socket: WebSocket) => {
      tell(2)(socket)
      socket.once('message', () => socket.close(1001, 'The server is stopping'))
    }
    const full = (socket: WebSocket) => socket.close(1013, 'There are too many clients')
    const { client } = await serve([broken, stopping, full, tell(3)])
    expect(await runIds(client(), 3)).toEqual([1, 2, 3])

    const foreign = await serve([(socket) => socket.close(1008, 'Pages of other sites may not')])
    expect(await errorOf(take(foreign.client().pipelines.subscribe()))).toMatchObject({
      code: 'authorization_failed',
      message: expect.stringContaining('Pages of other sites may not') as string,
    })
    expect(foreign.upgrades).toHaveLength(1)
  })

  it('that says what cannot be read ends it all', async () => {
    for (const text of ['hello', '7', 'null', '{"type":7}']) {
      const { client } = await serve([(socket) => socket.send(text)])
      expect(await errorOf(take(client().pipelines.subscribe()))).toMatchObject({
        code: 'invalid_response',
      })
    }
  })

  it('is closed when its loop is left', async () => {
    let closed: Promise<unknown> = Promise.resolve()
    const { client } = await serve([
      (socket) => {
        closed = once(socket, 'close')
        tell(1)(socket)
      },
    ])
    await take(client().pipelines.subscribe(), 1)
    await closed
  })
})
