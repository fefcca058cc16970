// Workers on other machines: registration, heartbeats, who may act in whose name; and what people see of workers.
import { randomUUID } from 'node:crypto'
import type { ListWorkersResponse, RegisteredWorker } from '@slipway/contract/worker-api'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { registerWorker } from '../../packages/server/src/jobs/index.ts'
import {
  createWorkersApp,
  identity,
  serverVersion,
  type WorkersApp,
} from '../support/workers-app.ts'

let test: WorkersApp
let token: string
let other: string
beforeAll(async () => {
  test = await createWorkersApp()
  token = await test.tokenFor(['worker'])
  other = await test.tokenFor(['worker'])
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.database.pool.query('truncate jobs, workers, leases')
})

const list = async () =>
  (await test.request('GET', '/v1/workers')).json<ListWorkersResponse>().workers

describe('POST /v1/workers', () => {
  it('registers a worker, which is listed with whose it is', async () => {
    const body = identity({ name: 'build-1' })
    const answer = await test.request('POST', '/v1/workers', { token, body })
    expect([answer.statusCode, answer.json()]).toEqual([
      201,
      { known: false, draining: false, server_version: serverVersion },
    ])
    const { version, types, capacity } = body
    expect(await list()).toEqual([
      {
        id: body.id,
        name: 'build-1',
        kind: 'remote',
        types,
        capacity,
        in_hand: 0,
        version,
        registered_by: expect.stringMatching(/^token \d+$/),
        draining: false,
        started_at: expect.stringMatching(/Z$/),
        last_seen_at: expect.stringMatching(/Z$/),
      },
    ])
  })

  it('names everything that is wrong with a request', async () => {
    const body = { id: 'x', name: '', types: ['juggling'], capacity: 0, more: 1 }
    const answer = await test.request('POST', '/v1/workers', { token, body })
    expect(answer.statusCode).toBe(400)
    const { error } = answer.json<{ error: { code: string; details: { problems: unknown[] } } }>()
    expect(error.code).toBe('invalid_request')
    expect(JSON.stringify(error.details.problems)).toMatch(/home.*version/)
    for (const path of ['/id', '/name', '/types/0', '/capacity', '/more']) {
      expect(JSON.stringify(error.details.problems)).toContain(path)
    }
  })

  it.each([
    ['viewer', 403],
    ['operator', 403],
    ['admin', 403],
  ])('is not for a token with the role %s', async (role, status) => {
    const answer = await test.request('POST', '/v1/workers', {
      token: await test.tokenFor([role]),
      body: identity(),
    })
    expect(answer.statusCode).toBe(status)
    expect(answer.json()).toMatchObject({ error: { code: 'authorization_failed' } })
    expect(await list()).toEqual([])
  })

  it('is not for who comes without a token, or with a wrong one', async () => {
    for (const wrong of [null, 'slw_wrong']) {
      const answer = await test.request('POST', '/v1/workers', { token: wrong, body: identity() })
      expect(answer.statusCode).toBe(401)
    }
  })

  it('refuses a token that is limited to repositories', async () => {
    const limited = await test.tokenFor(['service-account'], { repositories: ['acme/app'] })
    const answer = await test.request('POST', '/v1/workers', { token: limited, body: identity() })
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({
      error: { code: 'authorization_failed', message: expect.stringContaining('not limited') },
    })
  })

  it('takes a service account, as the document has it', async () => {
    const answer = await test.request('POST', '/v1/workers', {
      token: await test.tokenFor(['service-account']),
      body: identity(),
    })
    expect(answer.statusCode).toBe(201)
  })

  it.each(['admin', 'operator'])('refuses the role %s alone', async (role) => {
    const body = identity()
    const answer = await test.request('POST', '/v1/workers', {
      token: await test.tokenFor([role]),
      body,
    })
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({ error: { details: { permission: 'workers:work' } } })
  })

  it.each(['1.1.3', '1.3.0', '2.2.3', '0.2.3', 'next'])(
    'refuses a worker of version %s, and says what it takes',
    async (version) => {
      const body = identity({ version })
      const answer = await test.request('POST', '/v1/workers', { token, body })
      expect(answer.statusCode).toBe(409)
      expect(answer.json()).toMatchObject({
        error: {
          code: 'resource_conflict',
          message: `This worker is of version ${version} and the server of 1.2.3: a worker has to be of the server’s release, 1.2`,
          details: { reason: 'version', server_version: '1.2.3', worker_version: version },
        },
      })
      expect(await list()).toEqual([])
    },
  )

  it('frees at once what a dead worker of the same directory held', async () => {
    const id = await test.register(token, { home: 'directory' })
    const [job = ''] = await test.queue({})
    await test.claim({ id, token })
    expect(await test.job(job)).toMatchObject({ state: 'running' })
    await test.register(token, { home: 'directory' })
    expect(await test.job(job)).toMatchObject({ state: 'queued', attempt: 1 })
    expect(test.woken).toContain(job)
    expect((await list()).map((worker) => worker.id)).not.toContain(id)
  })

  it('frees nothing of a directory that another token, or a server, has', async () => {
    const id = await test.register(token, { home: 'directory' })
    const own = { id: randomUUID(), name: 's', home: 'directory', types: ['task'], capacity: 1 }
    await registerWorker({ db: test.database.db }, own)
    const [job = ''] = await test.queue({})
    await test.claim({ id, token })
    await test.register(other, { home: 'directory' })
    expect(await test.job(job)).toMatchObject({ state: 'running' })
    expect((await list()).map((worker) => worker.id)).toEqual(expect.arrayContaining([id, own.id]))
  })
})

describe('PUT /v1/workers/{id}', () => {
  const beat = (id: string, as = token, more: object = {}) => {
    const { id: _, ...body } = identity(more)
    return test.request('PUT', `/v1/workers/${id}`, { token: as, body })
  }

  it('keeps a worker alive', async () => {
    const id = await test.register(token)
    await test.database.pool.query(`update workers set last_seen_at = now() - interval '80 s'`)
    const answer = await beat(id)
    expect([answer.statusCode, answer.json<RegisteredWorker>().known]).toEqual([200, true])
    const [worker] = await list()
    expect(Date.now() - Date.parse(worker?.last_seen_at ?? '')).toBeLessThan(60_000)
  })

  it('registers anew one that was given up, and frees nothing by that', async () => {
    const id = await test.register(token, { home: 'directory' })
    const successor = await test.register(token, { home: 'directory' })
    const [job = ''] = await test.queue({})
    await test.claim({ id: successor, token })
    const answer = await beat(id, token, { home: 'directory' })
    expect(answer.json()).toMatchObject({ known: false })
    expect(await test.job(job)).toMatchObject({ state: 'running' })
  })

  it('is refused to any other token', async () => {
    const id = await test.register(token)
    const answer = await beat(id, other)
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({ error: { code: 'authorization_failed' } })
  })

  it('is refused for the id of a server’s own worker', async () => {
    const own = { id: randomUUID(), name: 's', home: 'h', types: [], capacity: 1 }
    await registerWorker({ db: test.database.db }, own)
    expect((await beat(own.id)).statusCode).toBe(403)
  })

  it('lets a worker of the release before end what it has in hand, and gives it no more', async () => {
    const id = await test.register(token)
    const answer = await beat(id, token, { version: '1.1.0' })
    expect(answer.json()).toMatchObject({ known: true, draining: true })
    expect((await beat(randomUUID(), token, { version: '1.1.0' })).statusCode).toBe(409)
  })
})

describe('POST /v1/workers/{id}/drain', () => {
  it('has the worker take no new jobs, and tells it with the next heartbeat and at once', async () => {
    const id = await test.register(token)
    const told: unknown[] = []
    const unfollow = test.signals.follow(id, (signal) => void told.push(signal))
    const answer = await test.request('POST', `/v1/workers/${id}/drain`)
    unfollow()
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ id, draining: true })
    expect(told).toEqual([{ type: 'drain' }])
    await test.queue({})
    expect(await test.claim({ id, token })).toEqual([])
    const { id: _, ...body } = identity()
    const beat = await test.request('PUT', `/v1/workers/${id}`, { token, body })
    expect(beat.json()).toMatchObject({ known: true, draining: true })
    const again = await test.request('POST', `/v1/workers/${id}/drain`)
    expect(again.json()).toMatchObject({ draining: true })
  })

  it('is for operators', async () => {
    const id = await test.register(token)
    for (const role of ['viewer', 'developer', 'service-account', 'worker']) {
      const as = await test.tokenFor([role])
      const answer = await test.request('POST', `/v1/workers/${id}/drain`, { token: as })
      expect(answer.statusCode, role).toBe(403)
    }
    const operator = await test.tokenFor(['operator'])
    const answer = await test.request('POST', `/v1/workers/${id}/drain`, { token: operator })
    expect(answer.statusCode).toBe(200)
  })

  it('of a worker that there is not is 404', async () => {
    const answer = await test.request('POST', `/v1/workers/${randomUUID()}/drain`)
    expect(answer.json()).toMatchObject({ error: { code: 'resource_not_found' } })
  })
})

describe('GET /v1/workers', () => {
  it('counts what each has in hand, and goes by pages', async () => {
    const ids = []
    for (let n = 0; n < 3; n++) ids.unshift(await test.register(token, { name: `w${n}` }))
    await test.queue({}, {})
    await test.claim({ id: ids[1] ?? '', token })
    const page = await test.request('GET', '/v1/workers?limit=2&offset=1')
    const { workers, ...rest } = page.json<ListWorkersResponse>()
    expect(rest).toEqual({ total: 3, limit: 2, offset: 1 })
    expect(workers.map(({ id, in_hand }) => [id, in_hand])).toEqual([
      [ids[1], 2],
      [ids[2], 0],
    ])
  })

  it('is for operators and administrators', async () => {
    for (const [role, status] of [
      ['viewer', 403],
      ['service-account', 403],
      ['operator', 200],
    ] as const) {
      const as = await test.tokenFor([role])
      expect((await test.request('GET', '/v1/workers', { token: as })).statusCode).toBe(status)
    }
  })

  it('shows a server’s own worker as that', async () => {
    const own = { id: randomUUID(), name: 's', home: 'h', types: [], capacity: 0, version: '1.2.3' }
    await registerWorker({ db: test.database.db }, own)
    expect(await list()).toMatchObject([
      { kind: 'server', types: [], registered_by: null, version: '1.2.3' },
    ])
  })
})

describe('DELETE /v1/workers/{id}', () => {
  it('forgets a worker and frees what it held; only for who registered it', async () => {
    const id = await test.register(token)
    const [job = ''] = await test.queue({})
    await test.claim({ id, token })
    expect((await test.as({ id, token: other }, 'DELETE', '')).statusCode).toBe(403)
    expect(await test.job(job)).toMatchObject({ state: 'running' })
    expect((await test.as({ id, token }, 'DELETE', '')).statusCode).toBe(204)
    expect(await test.job(job)).toMatchObject({ state: 'queued' })
    expect(await list()).toEqual([])
    expect((await test.as({ id, token }, 'DELETE', '')).statusCode).toBe(404)
  })
})

describe('GET /v1/workers/{id}/settings', () => {
  it('says what a worker has to know, to itself alone', async () => {
    const id = await test.register(token)
    const answer = await test.as({ id, token }, 'GET', '/settings')
    expect(answer.json()).toMatchObject({ server_version: '1.2.3', registry: 'registry.test' })
    expect((await test.as({ id, token: other }, 'GET', '/settings')).statusCode).toBe(403)
  })
})
