import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sampleJob, sampleRun, sampleStep, watchRepository } from '../support/monitor.ts'
import { connectSocket, type SocketClient } from '../support/socket-client.ts'
import { startStatusServer, type StatusServer } from '../support/status-server.ts'

const maxClients = 1_000
let server: StatusServer
let repositoryId: number
let ids = 1_000

beforeAll(async () => {
  server = await startStatusServer({
    SLIPWAY_ANONYMOUS_STATUS: 'true',
    SLIPWAY_MAX_SOCKETS: String(maxClients),
  })
  repositoryId = await watchRepository(server.database.db, 'owner/repo-name')
})
afterAll(() => server.close())

const connect = () => connectSocket(`${server.url}/ws`)

async function subscribe(client: SocketClient) {
  await client.ask({ type: 'subscribe', channel: 'pipelines' }, 'phase2.subscribed')
}

it('tells a thousand clients, and the next one to come later', { timeout: 60_000 }, async () => {
  const clients: SocketClient[] = []
  while (clients.length < maxClients) {
    const some = Array.from({ length: 50 }, async () => {
      const client = await connect()
      await subscribe(client)
      return client
    })
    clients.push(...(await Promise.all(some)))
  }
  const late = await connect()
  expect(await late.closed).toEqual({ code: 1013, reason: 'There are too many clients' })
  expect(late.messages).toEqual([])

  const run = sampleRun({ id: ids++ })
  await server.hear(repositoryId, { runs: [run] })
  const told = await Promise.all(
    clients.map((client) => client.take(({ event }) => event === 'pipeline:completed')),
  )
  expect(new Set(told.map(({ data }) => (data as { runId: number }).runId))).toEqual(
    new Set([run.id]),
  )
  for (const { socket } of clients.slice(1)) socket.close()
  await Promise.all(clients.slice(1).map(({ closed }) => closed))
  await subscribe(await connect())
})

it('drops a client that never reads, and keeps the others', { timeout: 60_000 }, async () => {
  const deaf = await connect()
  await subscribe(deaf)
  const reader = await connect()
  await subscribe(reader)
  deaf.socket.pause()
  // Far more than what the two systems hold for a connection.
  const megabyte = 40
  const name = 'x'.repeat(2_000)
  for (let round = 0; round < megabyte; round++) {
    const steps = Array.from({ length: 500 }, (_, index) =>
      sampleStep({ number: index + 1, name: `${index} of ${round}: ${name}` }),
    )
    await server.hear(repositoryId, { jobs: [sampleJob({ id: ids++, steps })] })
    await reader.take(
      ({ data }) => (data as { stepName?: string })?.stepName?.startsWith('499 of') === true,
    )
  }
  expect(server.output.join('\n')).toContain('A client that does not read was dropped')
  deaf.socket.resume()
  expect((await deaf.closed).code).toBe(1006)
  await reader.ask({ type: 'ping' }, 'pong')
})

it('closes with 1009 on a message over 4 KiB, and takes one of 4 KiB', async () => {
  const client = await connect()
  const message = (length: number) => {
    const text = JSON.stringify({ type: 'ping', more: '' })
    return text.replace('""', `"${'x'.repeat(length - text.length)}"`)
  }
  await client.ask(message(4_096), 'pong')
  client.send(message(4_097))
  expect((await client.closed).code).toBe(1009)
})

it('closes with 1008 on too many messages, and on too many pings', async () => {
  const talker = await connect()
  for (let count = 0; count < 150; count++) talker.send({ type: 'ping' })
  expect(await talker.closed).toEqual({ code: 1008, reason: 'Too many messages' })
  expect(talker.messages.filter(({ type }) => type === 'pong')).toHaveLength(100)

  const pinger = await connect()
  for (let count = 0; count < 100; count++) {
    pinger.socket.ping()
    await once(pinger.socket, 'pong')
  }
  pinger.socket.ping()
  expect(await pinger.closed).toEqual({ code: 1008, reason: 'Too many messages' })
})

it('shows those without a token what is watched, and not what somebody else asked for', async () => {
  const asked = await watchRepository(server.database.db, 'owner/asked-for', { source: 'read' })
  const client = await connect()
  await subscribe(client)
  await server.hear(asked, { runs: [sampleRun({ id: ids++ })] })
  const run = sampleRun({ id: ids++ })
  await server.hear(repositoryId, { runs: [run] })
  const told = await client.take(({ event }) => event === 'pipeline:completed')
  expect(told['data']).toMatchObject({ runId: run.id })
})
