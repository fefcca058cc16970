import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { createEventFeed } from '../../packages/server/src/events/index.ts'
import { createMemos } from '../../packages/server/src/monitor/index.ts'
import type { Principal } from '../../packages/server/src/ports/identity.ts'
import { dispatchUpgrades } from '../../packages/server/src/realtime/dispatch-upgrades.ts'
import { openStatusSockets } from '../../packages/server/src/realtime/status/open-status-sockets.ts'
import { createTestDatabase } from '../support/database.ts'
import { quietLog } from '../support/quiet-log.ts'
import { connectSocket } from '../support/socket-client.ts'

const viewer: Principal = { id: 'viewer', name: 'viewer', roles: ['viewer'], repositories: null }

const handshake =
  'GET /ws HTTP/1.1\r\nhost: test\r\nauthorization: Bearer token\r\nconnection: upgrade\r\n' +
  'upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n'

const away = new Error('the database is away')

let release: () => Promise<void>
afterEach(() => release())

/** The sockets of a server whose times are short. */
async function openServer(authenticate: () => Promise<Principal | null>): Promise<string> {
  const database = await createTestDatabase()
  const { db } = database
  const feed = createEventFeed({ db, log: quietLog })
  const status = openStatusSockets(
    {
      db,
      feed,
      log: quietLog,
      identity: { name: 'test', authenticate },
      anonymousStatus: false,
      publicUrl: null,
      monitor: {
        db,
        memos: createMemos(),
        source: { ensureRepository: async () => 'missing', isAway: () => false },
      },
    },
    { heartbeatMs: 500, checkMs: 50 },
  )
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = dispatchUpgrades(
    { log: quietLog, servers: [server], targets: [status] },
    { maxClients: 10, handshakeMs: 300 },
  )
  release = async () => {
    await sockets.close()
    server.close()
    await feed.close()
    await database.close()
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ws`
}

describe('a client', () => {
  it('that answers pings stays, and one that does not is cut', async () => {
    const url = await openServer(async () => viewer)
    const alive = await connectSocket(url, { token: 'token' })
    const dead = await connectSocket(url, { token: 'token', autoPong: false })
    expect((await dead.closed).code).toBe(1006)
    await once(alive.socket, 'ping')
    await alive.ask({ type: 'ping' }, 'pong')
  })

  it('stays while its token cannot be checked for a moment, and not for longer', async () => {
    const answers: (Principal | null | Error)[] = [viewer, away, away, viewer]
    let checks = 0
    const url = await openServer(async () => {
      checks += 1
      const answer = answers.shift() ?? away
      if (answer instanceof Error) throw answer
      return answer
    })
    const client = await connectSocket(url, { token: 'token' })
    expect(await client.closed).toEqual({ code: 1013, reason: 'The token cannot be checked' })
    expect(checks).toBe(7)
  })

  it('is closed when its token has lost the permission', async () => {
    const answers = [viewer]
    const url = await openServer(
      async () => answers.shift() ?? { ...viewer, roles: ['service-account'] },
    )
    const client = await connectSocket(url, { token: 'token' })
    expect((await client.closed).code).toBe(1008)
  })

  it('is told that nobody can say whose its token is', async () => {
    const url = await openServer(async () => Promise.reject(away))
    await expect(connectSocket(url, { token: 'token' })).rejects.toMatchObject({ status: 503 })
  })

  it('does not wait for ever for its handshake', async () => {
    const url = new URL(await openServer(() => new Promise(() => {})))
    await expect(connectSocket(url.href, { token: 'token' })).rejects.toThrow('socket hang up')
  })

  it('is heard though it spoke before it was let in', async () => {
    const url = new URL(await openServer(async () => viewer))
    const hasty = connect(Number(url.port), url.hostname)
    onTestFinished(() => void hasty.destroy())
    const message = JSON.stringify({ type: 'subscribe', channel: 'pipelines' })
    // One masked text frame (RFC 6455, 5.2), the mask being nothing.
    const frame = Buffer.from([0x81, 0x80 | message.length, 0, 0, 0, 0, ...Buffer.from(message)])
    hasty.write(Buffer.concat([Buffer.from(handshake), frame]))
    let heard = ''
    hasty.on('data', (data) => (heard += data.toString()))
    await expect.poll(() => heard).toMatch(/phase2\.channels.*phase2\.subscribed/s)
  })

  it('may go while it is looked at', async () => {
    const { promise: isAsked, resolve: asked } = withResolvers<void>()
    const { promise: isFound, resolve: find } = withResolvers<Principal>()
    const url = new URL(
      await openServer(() => {
        asked()
        return isFound
      }),
    )
    const leaving = connect(Number(url.port), url.hostname)
    onTestFinished(() => void leaving.destroy())
    leaving.write(handshake)
    await isAsked
    leaving.resetAndDestroy()
    await once(leaving, 'close')
    find(viewer)
    const other = await connectSocket(url.href, { token: 'token' })
    await other.ask({ type: 'ping' }, 'pong')
  })
})

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((done) => void (resolve = done))
  return { promise, resolve }
}
