import { JobMessage } from '@slipway/contract/job-socket'
import Value from 'typebox/value'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectSocket } from '../support/socket-client.ts'
import { connectClient, freePort, type JobClient } from '../support/socket-io-client.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let compatPort: number
let service: string
let runs = 0
const open: JobClient[] = []

beforeAll(async () => {
  compatPort = await freePort()
  server = await startTestServer({
    SLIPWAY_COMPAT_PORTS: String(compatPort),
    API_RATE_LIMIT: '100000',
  })
  service = (await tokenFor({ roles: ['service-account'] })).token
})
afterAll(async () => {
  for (const { socket } of open) socket.disconnect()
  await server.close()
})

const tokenFor = (more: object) =>
  server.json<{ token: string; id: string }>('POST', '/v1/tokens', {
    body: { name: `token ${++runs}`, ...more },
  })

async function delegate(repository = 'owner/repo'): Promise<string> {
  const answer = await server.json<{ data: { delegationId: string } }>(
    'POST',
    '/api/jobs/delegate',
    { body: { jobId: '123456', runId: String(++runs), repository, labels: ['self-hosted'] } },
  )
  return answer.data.delegationId
}

const report = (id: string, status: string) =>
  server.json('PATCH', `/api/jobs/${id}/status`, { token: service, body: { status } })

async function connect(...[url, options]: Parameters<typeof connectClient>): Promise<JobClient> {
  const client = await connectClient(url, options)
  open.push(client)
  return client
}

const accepted = (repository: string) => ({ success: true, data: { repository } })
const compatUrl = () => `ws://127.0.0.1:${compatPort}`

describe('the document’s own example', () => {
  it.each([
    ['as it is, polling first', {}],
    ['by polling alone', { transports: ['polling'] }],
    ['by a WebSocket alone', { transports: ['websocket'] }],
  ])('is told of jobs on the port of the document: %s', async (_how, options) => {
    // GitHub-RunnerHub API Reference, "JavaScript/TypeScript Example", and who asks.
    const socket = io(compatUrl(), { auth: { token: server.token }, forceNew: true, ...options })
    const updates: unknown[] = []
    const delegated: unknown[] = []
    try {
      await new Promise<void>((resolve, reject) => {
        socket.on('connect_error', reject)
        socket.on('connect', () => {
          socket.emit('subscribe:repository', 'owner/repo')
          // What is sent behind it is heard behind it.
          socket.emit('subscribe:repository', 'owner/other', () => resolve())
        })
      })
      socket.on('job:status', (data) => updates.push(data))
      socket.on('job:delegated', (data) => delegated.push(data))
      const jobId = await delegate()
      for (const status of ['running', 'completed']) await report(jobId, status)
      const job = { jobId, repository: 'owner/repo' }
      await expect
        .poll(() => updates)
        .toEqual([
          { ...job, status: 'running' },
          { ...job, status: 'completed' },
        ])
      expect(delegated).toEqual([{ ...job, status: 'queued' }])
      for (const message of [...updates, ...delegated]) {
        expect(Value.Errors(JobMessage, message)).toEqual([])
      }
      if (!('transports' in options)) expect(socket.io.engine.transport.name).toBe('websocket')
    } finally {
      socket.disconnect()
    }
  })
})

describe('a subscription', () => {
  it('is a bare name, or the envelope of the document, by its event or as a message', async () => {
    const client = await connect(server.url, { token: server.token })
    const envelope = (data: string) => ({ event: 'subscribe:repository', data })
    expect(await client.ask('subscribe:repository', 'form/bare')).toEqual(accepted('form/bare'))
    expect(await client.ask('subscribe:repository', envelope('form/event'))).toEqual(
      accepted('form/event'),
    )
    expect(await client.ask('message', envelope('form/message'))).toEqual(accepted('form/message'))
    const ids = []
    for (const form of ['bare', 'event', 'message']) ids.push(await delegate(`form/${form}`))
    await expect.poll(() => client.told.map(([, { jobId }]) => jobId)).toEqual(ids)
  })

  it('is of its repository alone, in whatever case of letters, and ends when it is given up', async () => {
    const client = await connect(server.url, { token: server.token })
    await client.ask('subscribe:repository', 'Mine/Repo')
    await client.ask('subscribe:repository', 'mine/second')
    await delegate('theirs/repo')
    const first = await delegate('mine/repo')
    expect(await client.ask('unsubscribe:repository', 'mine/repo')).toEqual(accepted('mine/repo'))
    await report(first, 'cancelled')
    const second = await delegate('mine/second')
    await expect.poll(() => client.told.at(-1)?.[1].jobId).toBe(second)
    expect(client.told.map(([name, { status }]) => [name, status])).toEqual([
      ['job:delegated', 'queued'],
      ['job:delegated', 'queued'],
    ])
    const envelope = { event: 'unsubscribe:repository', data: 'mine/second' }
    expect(await client.ask('unsubscribe:repository', envelope)).toEqual(accepted('mine/second'))
  })

  it('is told what is wrong with it, with and without an acknowledgement', async () => {
    const client = await connect(server.url, { token: server.token })
    const refusal = {
      code: 'invalid_request',
      error: 'subscribe:repository needs a repository as owner/name',
    }
    for (const given of ['repo', '', 7, null, {}, { data: ['owner/repo'] }]) {
      expect(await client.ask('subscribe:repository', given)).toEqual({
        success: false,
        ...refusal,
      })
    }
    client.errors.length = 0
    client.socket.emit('subscribe:repository', '../..')
    client.socket.emit('message', 'hello')
    await expect
      .poll(() => client.errors)
      .toEqual([
        { ...refusal, event: 'subscribe:repository' },
        { code: 'invalid_request', error: 'This is no subscription' },
      ])
  })

  it('is for repositories that the token may see', async () => {
    const { token } = await tokenFor({ roles: ['viewer'], repositories: ['seen/repo'] })
    const client = await connect(server.url, { token })
    const refusal = {
      code: 'authorization_failed',
      error: 'This token is not for the repository hidden/repo',
    }
    expect(await client.ask('subscribe:repository', 'hidden/repo')).toEqual({
      success: false,
      ...refusal,
    })
    await expect.poll(() => client.errors).toEqual([{ ...refusal, event: 'subscribe:repository' }])
    await client.ask('subscribe:repository', 'seen/repo')
    await delegate('hidden/repo')
    const id = await delegate('seen/repo')
    await expect
      .poll(() => client.told)
      .toEqual([['job:delegated', { jobId: id, repository: 'seen/repo', status: 'queued' }]])
  })
})

describe('who connects', () => {
  it.each([
    ['nobody', {}, 'This needs a bearer token'],
    ['an unknown token', { token: 'slw_unknown' }, /^This token is unknown, expired/],
    ['no text', { auth: { token: 7 } }, /^This token is unknown, expired/],
    ['an unknown ticket', { auth: { ticket: 'x' } }, /^This ticket is unknown, expired/],
    [
      'an unknown token beside a good header',
      { token: 'slw_unknown', extraHeaders: { authorization: 'Bearer an-admin-token-for-tests' } },
      /^This token is unknown, expired/,
    ],
  ])('is refused: %s', async (_who, options, message) => {
    for (const transports of [['polling'], ['websocket']]) {
      await expect(connect(server.url, { ...options, transports })).rejects.toMatchObject({
        message: expect.stringMatching(message),
        data: { code: 'authentication_failed', error: expect.stringMatching(message) },
      })
    }
  })

  it('may say so by the header, or by a ticket, once', async () => {
    const authorization = `Bearer ${server.token}`
    for (const transports of [['polling'], ['websocket']]) {
      await connect(server.url, { transports, extraHeaders: { authorization } })
      const { ticket } = await server.json<{ ticket: string }>('POST', '/v1/tickets')
      await connect(server.url, { transports, auth: { ticket } })
      await expect(connect(server.url, { transports, auth: { ticket } })).rejects.toThrow('ticket')
      const { ticket: other } = await server.json<{ ticket: string }>('POST', '/v1/tickets')
      await connect(server.url, { transports, query: { ticket: other } })
    }
  })

  it('is disconnected, and told why, when the token is revoked', async () => {
    const { token, id } = await tokenFor({ roles: ['viewer'] })
    const clients = [
      await connect(server.url, { token, transports: ['polling'] }),
      await connect(server.url, { token, transports: ['websocket'] }),
    ]
    const other = await connect(server.url, { token: server.token })
    await server.json('DELETE', `/v1/tokens/${id}`, { expect: 204 })
    for (const { disconnected, errors } of clients) {
      expect(await disconnected).toBe('io server disconnect')
      expect(errors).toEqual([
        { code: 'authentication_failed', error: 'The token is no longer valid' },
      ])
    }
    expect(await other.ask('subscribe:repository', 'a/b')).toEqual(accepted('a/b'))
  })

  it('may be no page of another site', async () => {
    for (const transports of [['polling'], ['websocket']]) {
      const options = { token: server.token, transports }
      const foreign = { ...options, extraHeaders: { origin: 'https://evil.example' } }
      await expect(connect(server.url, foreign)).rejects.toThrow(/error/)
      await connect(server.url, { ...options, extraHeaders: { origin: server.url } })
    }
  })

  it('finds nothing under another namespace', async () => {
    await expect(connect(`${server.url}/admin`, { token: server.token })).rejects.toThrow(
      'Invalid namespace',
    )
  })
})

it('answers requests of no connection with a refusal, in JSON, with the headers of every answer', async () => {
  const answers = [
    await server.request('GET', '/socket.io/?EIO=4&transport=polling&sid=unknown'),
    await server.request('POST', '/socket.io/?EIO=4&transport=polling', { body: { hello: 1 } }),
    await server.request('GET', '/socket.io/?EIO=3&transport=polling'),
    await server.request('GET', '/socket.io/?EIO=4&transport=smoke'),
    await server.request('GET', '/socket.io'),
  ]
  for (const answer of answers) {
    expect(answer.status).toBe(400)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await answer.json()).toEqual({ code: expect.any(Number), message: expect.any(String) })
  }
})

it('leaves other sockets to themselves', async () => {
  const client = await connectSocket(`${server.url}/ws`, { token: server.token })
  await client.ask({ type: 'ping' }, 'pong')
  await connect(server.url, { token: server.token, transports: ['websocket'] })
  await client.ask({ type: 'ping' }, 'pong')
  client.socket.close()
})

it('keeps its own conversation out of the audit log', async () => {
  const { entries } = await server.json<{ entries: { action: string }[] }>(
    'GET',
    '/v1/audit?limit=100',
  )
  expect(entries.map(({ action }) => action)).toContain('POST /api/jobs/delegate')
  expect(entries.filter(({ action }) => action.includes('socket.io'))).toEqual([])
})

it('breaks connections when the server stops, so that clients come back to the next one', async () => {
  const again = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 }
  const options = { token: server.token, ...again }
  const clients = [
    await connect(compatUrl(), { ...options, transports: ['polling'] }),
    await connect(compatUrl(), { ...options, transports: ['websocket'] }),
  ]
  for (const { socket } of clients) {
    socket.on('connect', () => socket.emit('subscribe:repository', 'come/back'))
  }
  expect(await server.stop()).toBe(0)
  for (const { disconnected } of clients) expect(await disconnected).toBe('transport close')
  await server.restart()
  await expect
    .poll(() => clients.map(({ socket }) => socket.connected), { timeout: 20_000 })
    .toEqual([true, true])
  for (const { ask } of clients) await ask('subscribe:repository', 'come/back')
  const id = await delegate('come/back')
  for (const { told } of clients) {
    await expect
      .poll(() => told)
      .toEqual([['job:delegated', { jobId: id, repository: 'come/back', status: 'queued' }]])
  }
})
