// The sockets of the families by the SDK, against real servers.
import { type ClientOptions, createClient, type SlipwayClient } from '@slipway/sdk'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Principal } from '../../packages/server/src/ports/identity.ts'
import { type BuildSockets, buildRepository, openBuildSocketsOn } from '../support/build-sockets.ts'
import { sampleRun, watchRepository } from '../support/monitor.ts'
import { errorOf, take } from '../support/scripted-server.ts'
import { type StatusServer, startStatusServer } from '../support/status-server.ts'
import { startTcpRelay, type TcpRelay } from '../support/tcp-relay.ts'

let server: StatusServer
let relay: TcpRelay
let builds: BuildSockets
let shop: number
let other: number
let ids = 1_000

const reader: Principal = { id: 'r', name: 'r', roles: ['viewer'], repositories: [buildRepository] }

beforeAll(async () => {
  server = await startStatusServer({ API_RATE_LIMIT: '100000' })
  relay = await startTcpRelay(server.url)
  const { db, url } = server.database
  shop = await watchRepository(db, 'acme/shop')
  other = await watchRepository(db, 'acme/other')
  builds = await openBuildSocketsOn(url, async (token) => (token === 'reader' ? reader : null))
})
afterAll(async () => {
  await builds.close()
  await relay.close()
  await server.close()
})

const clientOf = (more: Partial<ClientOptions> = {}) =>
  createClient({
    baseUrl: relay.url,
    token: server.token,
    retries: { retries: 1, baseDelayMs: 10 },
    ...more,
  })

/** Listens in the background; what was told, and how often the socket was opened and lost. */
function listen<T>(
  subscribe: (options: {
    signal: AbortSignal
    onOpen: () => void
    onClose: () => void
  }) => AsyncIterable<T>,
) {
  const leaving = new AbortController()
  const heard = { told: [] as T[], opened: 0, closed: 0, ended: Promise.resolve() }
  const options = {
    signal: leaving.signal,
    onOpen: () => void (heard.opened += 1),
    onClose: () => void (heard.closed += 1),
  }
  heard.ended = (async () => {
    for await (const message of subscribe(options)) heard.told.push(message)
  })()
  heard.ended.catch(() => {})
  onTestFinished(() => leaving.abort())
  return Object.assign(heard, { leave: (why: Error) => leaving.abort(why) })
}

const hear = (repositoryId: number) => {
  const id = (ids += 1)
  return server
    .hear(repositoryId, {
      runs: [sampleRun({ id, githubStatus: 'in_progress', conclusion: null })],
    })
    .then(() => id)
}

async function delegate(client: SlipwayClient, repository: string): Promise<string> {
  const runId = String((ids += 1))
  const job = { jobId: '123456', runId, repository, labels: ['self-hosted'] }
  return (await client.jobs.delegate(job)).delegationId
}

describe('pipelines.subscribe', () => {
  it('tells what happens in the repositories that are asked for', async () => {
    const client = clientOf()
    const all = listen((options) => client.pipelines.subscribe({}, options))
    const some = listen((options) =>
      client.pipelines.subscribe(
        { repositories: ['Acme/Shop'], events: ['pipeline:started'] },
        options,
      ),
    )
    const figures = listen((options) =>
      client.pipelines.subscribe(
        { repositories: ['acme/shop'], events: ['pipeline:status-summary'] },
        options,
      ),
    )
    await expect.poll(() => [all.opened, some.opened, figures.opened]).toEqual([1, 1, 1])
    const runs = [await hear(other), await hear(shop)]
    const started = ({ told }: typeof all) =>
      told.flatMap(({ event, data }) => (event === 'pipeline:started' ? [data.runId] : []))
    await expect.poll(() => started(all)).toEqual(runs)
    await expect.poll(() => started(some)).toEqual([runs[1]])
    expect(some.told).toMatchObject([
      { event: 'pipeline:started', data: { repository: 'acme/shop', branch: 'main' } },
    ])
    // A summary is of no repository, and of interest all the same.
    await expect.poll(() => figures.told[0]?.data).toMatchObject({ repositories: 2 })
  })

  it('comes back, and subscribes anew, when the connection breaks', async () => {
    const client = clientOf()
    const heard = listen((options) =>
      client.pipelines.subscribe({ events: ['pipeline:started'] }, options),
    )
    await expect.poll(() => heard.opened).toBe(1)
    relay.isOpen = false
    relay.cut()
    // It was there once, so that more tries than the client's retries are made.
    await expect.poll(() => heard.closed).toBeGreaterThan(3)
    relay.isOpen = true
    await expect.poll(() => heard.opened).toBe(2)
    await hear(shop)
    await expect.poll(() => heard.told).toHaveLength(1)
  })

  it('gives up on a server that stays away', async () => {
    const client = clientOf({ reconnectMs: 20 })
    const heard = listen((options) => client.pipelines.subscribe({}, options))
    await expect.poll(() => heard.opened).toBe(1)
    relay.isOpen = false
    onTestFinished(() => void (relay.isOpen = true))
    relay.cut()
    expect(await errorOf(heard.ended)).toMatchObject({ status: 0, code: 'network_error' })
    expect(await errorOf(take(client.pipelines.subscribe()))).toMatchObject({ status: 0 })
  })

  it('leaves a connection on which nothing comes any more', async () => {
    const client = clientOf({ idleMs: 300 })
    const heard = listen((options) => client.pipelines.subscribe({}, options))
    await expect.poll(() => heard.opened).toBe(1)
    relay.freeze()
    await expect.poll(() => heard.opened).toBe(2)
  })

  it('keeps a quiet connection by asking whether the server is there', async () => {
    const client = clientOf({ idleMs: 300 })
    const heard = listen((options) =>
      client.pipelines.subscribe({ events: ['pipeline:started'] }, options),
    )
    await expect.poll(() => heard.opened).toBe(1)
    const since = Date.now()
    await expect.poll(() => Date.now() - since, { interval: 100 }).toBeGreaterThan(900)
    await hear(shop)
    await expect.poll(() => heard.told).toHaveLength(1)
    expect(heard.closed).toBe(0)
  })

  it('says why it is refused', async () => {
    const unknown = clientOf({ token: 'slw_unknown' })
    expect(await errorOf(take(unknown.pipelines.subscribe()))).toMatchObject({
      status: 401,
      code: 'authentication_failed',
      message: expect.stringContaining('token is unknown') as string,
    })
    const { token } = await server.tokenFor({ roles: ['service-account'] })
    expect(await errorOf(take(clientOf({ token }).pipelines.subscribe()))).toMatchObject({
      status: 403,
      code: 'authorization_failed',
    })
    const foreign = clientOf({ headers: { origin: 'https://pages.example' } })
    expect(await errorOf(take(foreign.pipelines.subscribe()))).toMatchObject({
      status: 403,
      message: expect.stringContaining('Pages of other sites') as string,
    })
  })

  it('ends when the token is revoked, and goes on with another one', async () => {
    const tokens = [
      await server.tokenFor({ roles: ['viewer'] }),
      await server.tokenFor({ roles: ['viewer'] }),
    ]
    const [first, second] = tokens.map(({ token }) => token)
    let current = first ?? ''
    const fixed = listen((options) => clientOf({ token: first }).pipelines.subscribe({}, options))
    const rotating = listen((options) =>
      clientOf({ token: () => current }).pipelines.subscribe({}, options),
    )
    await expect.poll(() => [fixed.opened, rotating.opened]).toEqual([1, 1])
    current = second ?? ''
    await server.json('DELETE', `/v1/tokens/${tokens[0]?.id}`, { expect: 204 })
    expect(await errorOf(fixed.ended)).toMatchObject({ code: 'authentication_failed' })
    await expect.poll(() => rotating.opened).toBe(2)
  })

  it('ends with the reason of the signal, and when the loop is left', async () => {
    const client = clientOf()
    const heard = listen((options) => client.pipelines.subscribe({}, options))
    await expect.poll(() => heard.opened).toBe(1)
    const enough = new Error('enough')
    heard.leave(enough)
    await expect(heard.ended).rejects.toBe(enough)
    const signal = AbortSignal.abort(enough)
    await expect(take(client.pipelines.subscribe({}, { signal }))).rejects.toBe(enough)
    const left = take(client.pipelines.subscribe({}, { onOpen: () => void hear(shop) }), 1)
    expect(await left).toHaveLength(1)
  })
})

describe('jobs.subscribe', () => {
  it('tells what happens to the jobs of the repositories, also behind a break', async () => {
    const client = clientOf()
    const heard = listen((options) =>
      client.jobs.subscribe({ repositories: ['acme/shop', 'ACME/Shop', 'acme/second'] }, options),
    )
    await expect.poll(() => heard.opened).toBe(1)
    await delegate(client, 'acme/unheard')
    const first = await delegate(client, 'acme/shop')
    await expect.poll(() => heard.told).toHaveLength(1)
    relay.cut()
    await expect.poll(() => heard.opened).toBe(2)
    const second = await delegate(client, 'acme/second')
    await client.jobs.cancel(second)
    await expect
      .poll(() => heard.told)
      .toEqual([
        {
          event: 'job:delegated',
          data: { jobId: first, repository: 'acme/shop', status: 'queued' },
        },
        {
          event: 'job:delegated',
          data: { jobId: second, repository: 'acme/second', status: 'queued' },
        },
        {
          event: 'job:status',
          data: { jobId: second, repository: 'acme/second', status: 'cancelled' },
        },
      ])
    const enough = new Error('enough')
    heard.leave(enough)
    await expect(heard.ended).rejects.toBe(enough)
  })

  it('says why it is refused', async () => {
    const repositories = ['acme/shop']
    const unknown = clientOf({ token: 'slw_unknown' }).jobs.subscribe({ repositories })
    expect(await errorOf(take(unknown))).toMatchObject({
      status: 401,
      code: 'authentication_failed',
    })
    const { token } = await server.tokenFor({ roles: ['viewer'], repositories: ['acme/other'] })
    const hidden = clientOf({ token }).jobs.subscribe({ repositories })
    expect(await errorOf(take(hidden))).toMatchObject({
      status: 403,
      code: 'authorization_failed',
      message: expect.stringContaining('acme/shop') as string,
    })
    const none = clientOf().jobs.subscribe({ repositories: ['shop'] })
    expect(await errorOf(take(none))).toMatchObject({ status: 400, code: 'invalid_request' })
    relay.isOpen = false
    onTestFinished(() => void (relay.isOpen = true))
    const away = clientOf().jobs.subscribe({ repositories })
    expect(await errorOf(take(away))).toMatchObject({ status: 0, code: 'network_error' })
  })
})

describe('builds.subscribe', () => {
  it('tells a build to its end, each thing once over connections that break', async () => {
    const between = await startTcpRelay(new URL(builds.url(1)).origin)
    onTestFinished(() => between.close())
    const client = clientOf({ baseUrl: between.url, token: 'reader' })
    const build = await builds.create()
    const log = await build.begin()
    await log.note('one')
    const heard = listen((options) => client.builds.subscribe(build.id, options))
    const lines = () =>
      heard.told.flatMap((message) => (message.type === 'log' ? [message.line] : []))
    await expect.poll(lines).toHaveLength(2)
    await build.step('clone_repo', 'running', 40)
    await expect.poll(() => heard.told.some(({ type }) => type === 'step')).toBe(true)
    between.cut()
    await log.note('two')
    await expect.poll(lines).toHaveLength(3)
    await build.step('clone_repo', 'completed', 100)
    between.cut()
    await log.note('three')
    await build.complete()
    await heard.ended
    expect(heard.opened).toBeGreaterThan(1)
    expect(lines()).toEqual(['Pipeline run created. Waiting for execution.', 'one', 'two', 'three'])
    expect(heard.told.filter(({ type }) => type === 'output')).toHaveLength(1)
    expect(heard.told.at(-1)).toEqual({ type: 'end', status: 'completed' })
    const texts = heard.told.map((message) => JSON.stringify(message))
    expect(new Set(texts).size).toBe(texts.length)

    const behind = await take(client.builds.subscribe(build.id, { after: 3 }))
    expect(behind.flatMap((each) => (each.type === 'log' ? [each.seq] : []))).toEqual([4])
  })

  it('says why it is refused', async () => {
    const baseUrl = new URL(builds.url(1)).origin
    const nothing = clientOf({ baseUrl, token: 'reader' }).builds.subscribe(2_000_000_000)
    expect(await errorOf(take(nothing))).toMatchObject({
      status: 404,
      code: 'resource_not_found',
      message: expect.stringContaining('2000000000') as string,
    })
    const unknown = clientOf({ baseUrl }).builds.subscribe(1)
    expect(await errorOf(take(unknown))).toMatchObject({ code: 'authentication_failed' })
  })
})
