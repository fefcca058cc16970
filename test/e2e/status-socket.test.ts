import { eventTypes } from '@slipway/contract/events'
import {
  pipelineEvents,
  SocketAnswer,
  SocketChannels,
  SocketEvent,
} from '@slipway/contract/pipeline-socket'
import { sql } from 'kysely'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asDocumented } from '../support/assert-events.ts'
import { sampleJob, sampleRun, sampleStep, watchRepository } from '../support/monitor.ts'
import { connectSocket, type SocketClient } from '../support/socket-client.ts'
import { startStatusServer, type StatusServer } from '../support/status-server.ts'

let server: StatusServer
let repositoryId: number
let ids = 1_000

beforeAll(async () => {
  server = await startStatusServer()
  repositoryId = await watchRepository(server.database.db, 'owner/repo-name')
})
afterAll(() => server.close())

const connect = () => connectSocket(`${server.url}/ws`, { token: server.token })

async function subscribe(client: SocketClient) {
  await client.ask({ type: 'phase2.subscribe', channels: ['pipelines'] }, 'phase2.subscribed')
}

/** The next event of this name, checked against its schema. */
async function event(client: SocketClient, name: keyof typeof pipelineEvents) {
  const frame = await client.take((message) => message['event'] === name)
  expect(Object.keys(frame)).toEqual(['type', 'channel', 'event', 'data', 'timestamp'])
  expect(Value.Errors(SocketEvent, frame)).toEqual([])
  expect(Value.Errors(pipelineEvents[name], frame['data'])).toEqual([])
  return frame
}

describe('the conversation', () => {
  it('begins with the channels', async () => {
    const client = await connect()
    const first = await client.take(() => true)
    expect(Value.Errors(SocketChannels, first)).toEqual([])
    expect(first).toEqual({
      type: 'phase2.channels',
      channels: [
        {
          name: 'pipelines',
          description: expect.any(String),
          events: [
            'pipeline:started',
            'pipeline:completed',
            'pipeline:failed',
            'pipeline:step-update',
            'pipeline:metrics',
            'pipeline:status-summary',
          ],
        },
      ],
      timestamp: expect.any(String),
    })
  })

  it('subscribes, lists and unsubscribes', async () => {
    const client = await connect()
    await client.take(({ type }) => type === 'phase2.channels')
    const said = async (message: unknown) => {
      client.send(message)
      const answer = await client.take(() => true)
      expect(Value.Errors(SocketAnswer, answer)).toEqual([])
      const { timestamp, ...rest } = answer
      expect(new Date(String(timestamp)).toISOString()).toBe(timestamp)
      return rest
    }
    expect(await said({ type: 'phase2.list-subscriptions' })).toEqual({
      type: 'phase2.subscriptions',
      subscriptions: [],
    })
    expect(await said({ type: 'phase2.subscribe', channels: ['pipelines', 'builds'] })).toEqual({
      type: 'phase2.subscribed',
      subscribed: ['pipelines'],
      failed: ['builds'],
    })
    expect(await said({ type: 'phase2.list-subscriptions' })).toEqual({
      type: 'phase2.subscriptions',
      subscriptions: ['pipelines'],
    })
    expect(await said({ type: 'phase2.unsubscribe', channels: ['pipelines'] })).toEqual({
      type: 'phase2.unsubscribed',
      unsubscribed: ['pipelines'],
      failed: [],
    })
    expect(await said({ type: 'subscribe', channel: 'pipelines' })).toEqual({
      type: 'phase2.subscribed',
      subscribed: ['pipelines'],
      failed: [],
    })
    expect(await said({ type: 'ping' })).toEqual({ type: 'pong' })
  })

  it('says what is wrong with a message, and goes on', async () => {
    const client = await connect()
    for (const message of [
      'no JSON',
      '[]',
      '"text"',
      {},
      { type: 'phase2.publish' },
      { type: 'phase2.subscribe' },
      { type: 'phase2.subscribe', channels: 'pipelines' },
      { type: 'phase2.subscribe', channels: [1] },
      { type: 'subscribe', channel: ['pipelines'] },
      { type: 'constructor' },
    ]) {
      const { message: why } = await client.ask(message, 'error')
      expect(why).toMatch(/one JSON object|must be one of|needs "channels?"/)
    }
    client.socket.send(Buffer.from('{"type":"ping"}'), { binary: true })
    await client.take(({ type }) => type === 'error')
    await client.ask({ type: 'ping' }, 'pong')
  })
})

describe('events', () => {
  it('tell of a run from its start to its end', async () => {
    const client = await connect()
    const other = await connect()
    await subscribe(client)
    const id = ids++
    const run = { id, createdAt: new Date(), runStartedAt: new Date('2025-01-01T10:00:00Z') }
    const begun = sampleRun({ ...run, githubStatus: 'in_progress', conclusion: null })
    await server.hear(repositoryId, { runs: [begun] })
    const common = {
      repository: 'owner/repo-name',
      workflow: 'CI/CD Pipeline',
      branch: 'main',
      runId: id,
      actor: 'username',
    }
    expect((await event(client, 'pipeline:started'))['data']).toEqual(common)

    const job = { id: ids++, runId: id, conclusion: null, githubStatus: 'in_progress' }
    const planned = sampleStep({ number: 2, name: 'Test', status: 'queued', conclusion: null })
    await server.hear(repositoryId, {
      jobs: [sampleJob({ ...job, steps: [sampleStep(), planned] })],
    })
    const step = { repository: 'owner/repo-name', runId: id, jobId: job.id }
    expect((await event(client, 'pipeline:step-update'))['data']).toEqual({
      ...step,
      stepName: 'Setup Node.js',
      stepStatus: 'completed',
      stepConclusion: 'success',
    })
    const running = { ...planned, status: 'in_progress' }
    await server.hear(repositoryId, {
      jobs: [sampleJob({ ...job, steps: [sampleStep(), running] })],
    })
    expect((await event(client, 'pipeline:step-update'))['data']).toEqual({
      ...step,
      stepName: 'Test',
      stepStatus: 'in_progress',
      stepConclusion: null,
    })

    await server.hear(repositoryId, { runs: [sampleRun(run)] })
    expect((await event(client, 'pipeline:completed'))['data']).toEqual({
      ...common,
      status: 'success',
      conclusion: 'success',
      duration: 300,
    })
    // What was heard already is told once: the next that comes is something else.
    await server.hear(repositoryId, { runs: [begun, sampleRun(run)] })
    const next = sampleRun({ id: ids++, githubStatus: 'queued', conclusion: null })
    await server.hear(repositoryId, { runs: [next] })
    expect((await event(client, 'pipeline:started'))['data']).toMatchObject({ runId: next.id })
    const told = client.messages.filter(({ event: name }) => name === 'pipeline:completed')
    expect(told).toHaveLength(1)
    expect(other.messages.map(({ type }) => type)).toEqual(['phase2.channels'])
  })

  it('say which step a run failed by', async () => {
    const client = await connect()
    await subscribe(client)
    const id = ids++
    const steps = [
      sampleStep(),
      sampleStep({ number: 2, name: 'Test', conclusion: 'failure' }),
      sampleStep({ number: 3, name: 'Publish', conclusion: 'skipped' }),
    ]
    const job = sampleJob({ id: ids++, runId: id, conclusion: 'failure', steps })
    await server.hear(repositoryId, {
      runs: [sampleRun({ id, conclusion: 'failure' })],
      jobs: [job],
    })
    expect((await event(client, 'pipeline:failed'))['data']).toEqual({
      repository: 'owner/repo-name',
      workflow: 'CI/CD Pipeline',
      branch: 'main',
      runId: id,
      actor: 'username',
      status: 'failure',
      conclusion: 'failure',
      duration: 300,
      error: 'The step Test of the job build failed',
      failedStep: 'Test',
    })
    const again = { id, attempt: 2, runStartedAt: new Date('2025-01-01T11:00:00Z') }
    const queued = { ...again, githubStatus: 'queued', conclusion: null }
    await server.hear(repositoryId, { runs: [sampleRun(queued)] })
    expect((await event(client, 'pipeline:started'))['data']).toMatchObject({ runId: id })
    const cancelled = { ...again, updatedAt: new Date('2025-01-01T11:01:00Z') }
    await server.hear(repositoryId, {
      runs: [sampleRun({ ...cancelled, conclusion: 'cancelled' })],
    })
    expect((await event(client, 'pipeline:failed'))['data']).toMatchObject({
      conclusion: 'cancelled',
      duration: 60,
      error: 'The run was cancelled',
      failedStep: null,
    })
  })

  it('are in the outbox as their schemas say', async () => {
    const [one, two] = [ids++, ids++]
    await server.hear(repositoryId, {
      runs: [
        sampleRun({ id: one, githubStatus: 'queued', conclusion: null }),
        sampleRun({ id: one }),
        sampleRun({ id: two, conclusion: 'failure' }),
      ],
      jobs: [sampleJob({ id: ids++, runId: one, steps: [sampleStep()] })],
    })
    const { rows } = await sql<{ type: string; data: object }>`
      select event_type as type, data from events where event_type like 'workflow.%'
    `.execute(server.database.db)
    const timestamp = new Date().toISOString()
    for (const { type, data } of rows) asDocumented({ event_type: type, timestamp, data })
    expect(new Set(rows.map(({ type }) => type))).toEqual(
      new Set(eventTypes.filter((type) => type.startsWith('workflow.'))),
    )
  })

  it('tell of figures when they change', async () => {
    const client = await connect()
    await subscribe(client)
    const name = 'owner/figures'
    const fresh = await watchRepository(server.database.db, name)
    const now = new Date()
    const at = { createdAt: now, runStartedAt: now, updatedAt: new Date(now.getTime() + 60_000) }
    await server.hear(fresh, {
      runs: [
        sampleRun({ id: ids++, ...at, branch: 'one' }),
        sampleRun({ id: ids++, ...at, branch: 'two', conclusion: 'failure' }),
        sampleRun({ id: ids++, ...at, branch: 'three', githubStatus: 'queued', conclusion: null }),
      ],
    })
    const metrics = await client.take(
      ({ event: called, data }) =>
        called === 'pipeline:metrics' && (data as { repository: string }).repository === name,
    )
    expect(Value.Errors(pipelineEvents['pipeline:metrics'], metrics['data'])).toEqual([])
    expect(metrics['data']).toEqual({
      repository: name,
      successRate: 50,
      averageDuration: 60,
      totalRuns: 3,
    })
    const summary = (await event(client, 'pipeline:status-summary'))['data']
    const status = await server.json<{
      pipelines: { status: string }[]
      metadata: { total: number }
    }>('GET', '/api/v2/pipelines/status?limit=500')
    const count = (word: string) => status.pipelines.filter((each) => each.status === word).length
    expect(summary).toEqual({
      totalPipelines: status.metadata.total,
      running: count('running'),
      pending: count('pending'),
      failed: count('failure'),
      successful: count('success'),
      repositories: 2,
    })
  })
})

it('takes clients again after the server was killed, and tells them what happens from then on', async () => {
  const client = await connect()
  await subscribe(client)
  await server.kill()
  expect((await client.closed).code).toBe(1006)
  await server.restart()
  const again = await connect()
  await subscribe(again)
  const id = ids++
  await server.hear(repositoryId, { runs: [sampleRun({ id })] })
  expect((await event(again, 'pipeline:completed'))['data']).toMatchObject({ runId: id })
})

it('says goodbye when the server stops', async () => {
  const client = await connect()
  const stopping = server.stop()
  expect(await client.closed).toEqual({ code: 1001, reason: 'The server is stopping' })
  expect(await stopping).toBe(0)
  await server.restart()
})
