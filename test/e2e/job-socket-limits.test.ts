import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Role } from '@slipway/contract/access'
import { randomUUID as uuid } from 'node:crypto'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { EventFeed, StoredEvent } from '../../packages/server/src/events/index.ts'
import {
  dispatchUpgrades,
  type UpgradeDispatcher,
} from '../../packages/server/src/realtime/dispatch-upgrades.ts'
import {
  type JobSocketLimits,
  type JobSockets,
  openJobSockets,
} from '../../packages/server/src/realtime/jobs/open-job-sockets.ts'
import { connectClient, type JobClient, openClient } from '../support/socket-io-client.ts'

const never = () => new Promise<never>(() => {})
const bothTransports = [['polling'], ['websocket']]

interface World {
  readonly url: string
  readonly sockets: JobSockets
  readonly dispatcher: UpgradeDispatcher
  readonly logged: string[]
  /** Who a token is; a rejection is that it cannot be told. */
  authenticate: (token: string) => Promise<{ roles: Role[] } | null>
  /** As if a job of the repository had been delegated; answers its id. */
  happen(repository: string): string
  connect(options?: Parameters<typeof connectClient>[1]): Promise<JobClient>
  close(): Promise<void>
}

let world: World
afterEach(() => world.close())

/** The sockets alone, on a server without anything else, told of events by the test. */
async function createWorld(limits: JobSocketLimits = {}, maxClients = 100): Promise<World> {
  const logged: string[] = []
  const note = (_details: object, message: string) => void logged.push(message)
  const queue: StoredEvent[] = []
  let wake = () => {}
  const feed = {
    follow(_input: unknown, signal: AbortSignal) {
      signal.addEventListener('abort', () => wake())
      return {
        position: () => undefined,
        async *[Symbol.asyncIterator]() {
          for (;;) {
            while (queue.length > 0) yield queue.shift()!
            if (signal.aborted) return
            await new Promise<void>((resolve) => (wake = resolve))
          }
        },
      }
    },
  } as unknown as EventFeed
  const sockets = openJobSockets(
    {
      db: null as never,
      identity: {
        name: 'test',
        async authenticate(token) {
          const known = await world.authenticate(token)
          return known === null ? null : { id: token, name: token, repositories: null, ...known }
        },
      },
      feed,
      log: { info: note, warn: note, error: note },
      publicUrl: null,
    },
    { checkMs: 50, ...limits },
  )
  const server: Server = createServer((request, response) => sockets.answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dispatcher = dispatchUpgrades(
    { log: { info: note, warn: note, error: note }, servers: [server], targets: [sockets] },
    { maxClients },
  )
  const clients: JobClient[] = []
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  world = {
    url,
    sockets,
    dispatcher,
    logged,
    authenticate: async () => ({ roles: ['viewer'] }),
    happen(repository) {
      const id = uuid()
      const data = { delegation_id: id, repository, status: 'queued', labels: [] }
      const json = JSON.stringify({ event_type: 'runner.job.delegated', timestamp: '', data })
      queue.push({ repository, type: 'runner.job.delegated', json } as StoredEvent)
      wake()
      return id
    },
    async connect(options) {
      const client = await connectClient(url, { token: 'a-token', ...options })
      clients.push(client)
      return client
    },
    async close() {
      for (const { socket } of clients) socket.disconnect()
      await dispatcher.close()
      server.close().closeAllConnections()
      await once(server, 'close').catch(never)
    },
  }
  return world
}

it('refuses those without the permission', async () => {
  await createWorld()
  world.authenticate = async () => ({ roles: [] })
  await expect(world.connect()).rejects.toMatchObject({
    message: 'This needs the permission delegations:read',
    data: { code: 'authorization_failed', error: 'This needs the permission delegations:read' },
  })
})

it('breaks the connection of a token that cannot be checked, which comes back', async () => {
  await createWorld()
  let tries = 0
  world.authenticate = async () => {
    if (++tries < 3) throw new Error('the database is away')
    return { roles: ['viewer'] }
  }
  const client = openClient(world.url, {
    token: 'a-token',
    reconnection: true,
    reconnectionDelay: 10,
  })
  try {
    await expect.poll(() => client.socket.connected).toBe(true)
    expect(world.logged.filter((line) => line === 'A token could not be checked')).toHaveLength(2)
  } finally {
    client.socket.disconnect()
  }
})

it('gives up those whose token could not be checked three times', async () => {
  await createWorld()
  const client = await world.connect()
  world.authenticate = () => Promise.reject(new Error('the database is away'))
  expect(await client.disconnected).toBe('transport close')
})

it('cuts those who do not say who they are in time', async () => {
  await createWorld({ handshakeMs: 100 })
  const socket = new WebSocket(`${world.url}/socket.io/?EIO=4&transport=websocket`)
  await once(socket, 'open')
  await once(socket, 'close')
  await expect.poll(() => world.sockets.count()).toBe(0)
})

it('takes only so many clients, and only so many that nobody knows', async () => {
  await createWorld({ maxClients: 2, maxUnknown: 1 })
  world.authenticate = never
  const unknown = openClient(world.url, { token: 'a-token', transports: ['websocket'] })
  await expect.poll(() => world.sockets.count()).toBe(1)
  for (const transports of bothTransports) {
    await expect(world.connect({ transports })).rejects.toThrow(/error/)
  }
  unknown.socket.disconnect()
  await expect.poll(() => world.sockets.count()).toBe(0)
  world.authenticate = async () => ({ roles: ['viewer'] })
  const [first] = [await world.connect({ transports: ['polling'] }), await world.connect()]
  for (const transports of bothTransports) {
    await expect(world.connect({ transports })).rejects.toThrow(/error/)
  }
  const refused = await fetch(`${world.url}/socket.io/?EIO=4&transport=polling`)
  expect([refused.status, await refused.json()]).toEqual([
    403,
    { code: 4, message: 'There are too many clients' },
  ])
  first?.socket.disconnect()
  await expect.poll(() => world.sockets.count()).toBe(1)
  await world.connect()
})

it('leaves clients that poll to poll where there are as many sockets as may be', async () => {
  await createWorld({}, 1)
  await world.connect({ transports: ['websocket'] })
  const client = await world.connect()
  await client.ask('subscribe:repository', 'owner/repo')
  const id = world.happen('owner/repo')
  await expect.poll(() => client.told.map(([, { jobId }]) => jobId)).toEqual([id])
  expect(client.socket.io.engine.transport.name).toBe('polling')
})

it('takes only so many repositories of a client', async () => {
  await createWorld({ maxRepositories: 2 })
  const client = await world.connect()
  const subscribe = (name: string) => client.ask('subscribe:repository', name)
  for (const name of ['a/1', 'a/2', 'a/2']) {
    expect(await subscribe(name)).toMatchObject({ success: true })
  }
  expect(await subscribe('a/3')).toEqual({
    success: false,
    code: 'limit_exceeded',
    error: 'More than 2 repositories',
  })
  await client.ask('unsubscribe:repository', 'a/1')
  expect(await subscribe('a/3')).toMatchObject({ success: true })
})

it.each(bothTransports)('sends away who talks too much: by %s', async (transport) => {
  await createWorld({ maxMessages: 20 })
  const client = await world.connect({ transports: [transport] })
  for (let count = 0; count < 30; count++) client.socket.emit('subscribe:repository', 'a/b')
  expect(await client.disconnected).toBe('io server disconnect')
  expect(client.errors).toEqual([{ code: 'limit_exceeded', error: 'Too many messages' }])
  await expect.poll(() => world.sockets.count()).toBe(0)
})

it.each(bothTransports)('closes on a message that is too long: by %s', async (transport) => {
  await createWorld()
  const client = await world.connect({ transports: [transport] })
  await client.ask('subscribe:repository', { data: 'a/b', more: 'x'.repeat(16_000) })
  client.socket.emit('subscribe:repository', 'x'.repeat(17_000))
  expect(await client.disconnected).toMatch(/^transport (close|error)$/)
})

it('cuts a client that does not read, and tells the others', async () => {
  await createWorld({ maxWaiting: 50, patienceMs: 500 })
  const [deaf, reader] = [
    await world.connect({ transports: ['polling'] }),
    await world.connect({ transports: ['websocket'] }),
  ]
  for (const { ask } of [deaf, reader]) await ask('subscribe:repository', 'a/b')
  // It asks for nothing any more.
  const { transport } = deaf.socket.io.engine as unknown as { transport: { doPoll: () => void } }
  const polls = vi.spyOn(transport, 'doPoll').mockImplementation(() => {})
  const ids = [world.happen('a/b')]
  await expect.poll(() => polls.mock.calls.length).toBe(1)
  // Many at once are no fault of a client's.
  for (let count = 0; count < 60; count++) ids.push(world.happen('a/b'))
  await expect.poll(() => reader.told.map(([, { jobId }]) => jobId)).toEqual(ids)
  expect(world.sockets.count()).toBe(2)
  await expect
    .poll(() => {
      ids.push(world.happen('a/b'))
      return world.sockets.count()
    })
    .toBe(1)
  expect(world.logged).toEqual(['A client that does not read was dropped'])
  await expect.poll(() => reader.told.map(([, { jobId }]) => jobId)).toEqual(ids)
})

it('cuts a client that answers no ping', async () => {
  await createWorld({ heartbeatMs: 50, answerMs: 50 })
  const alive = await world.connect()
  const socket = new WebSocket(`${world.url}/socket.io/?EIO=4&transport=websocket`)
  const pings: string[] = []
  socket.on('message', (data: Buffer) => {
    const text = data.toString()
    if (text.startsWith('0')) socket.send('40{"token":"a-token"}')
    else if (text === '2') pings.push(text)
  })
  await once(socket, 'close')
  expect(pings).toEqual(['2'])
  await expect.poll(() => world.sockets.count()).toBe(1)
  expect(alive.socket.connected).toBe(true)
})

it('ends within seconds, also with clients that ask for nothing', async () => {
  await createWorld()
  const silent = await fetch(`${world.url}/socket.io/?EIO=4&transport=polling`)
  expect(await silent.text()).toMatch(/^0\{/)
  const client = await world.connect()
  await world.dispatcher.close()
  expect(await client.disconnected).toBe('transport close')
  expect(world.sockets.count()).toBe(0)
  await expect(world.connect()).rejects.toThrow(/error/)
})
