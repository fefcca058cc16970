import { describe, expect, it } from 'vitest'
import {
  type Answer,
  errorOf,
  failure,
  hangUp,
  json,
  type Seen,
  serve,
  take,
} from '../../../test/support/scripted-server.ts'
import { createClient } from './index.ts'

describe('requests', () => {
  const request = {
    repository: 'a/b',
    branch: 'main',
    commit_sha: 'abcdef1',
    trigger_type: 'manual',
  } as const

  it('carries token and body, keeps the path of the base URL, and gives the answer', async () => {
    const { seen, client, baseUrl } = await serve(json(201, { id: 'r', status: 'pending' }))
    const made = await client({ baseUrl: `${baseUrl}/slipway` }).runs.create(request)
    expect(made).toEqual({ id: 'r', status: 'pending' })
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/slipway/v1/runs' })
    expect(seen[0]?.headers.authorization).toBe('Bearer slw_secret')
    expect(JSON.parse(seen[0]!.body)).toEqual(request)
  })

  it('asks for the token at each request, and sends none when there is none', async () => {
    const { seen, client } = await serve(json(200, { runs: [] }))
    let turn = 0
    const rotating = client({ token: () => Promise.resolve(`t${(turn += 1)}`) })
    await rotating.runs.list({ repository: 'a/b' })
    await rotating.runs.list({ repository: 'a/b', branch: 'x/y', limit: 5 })
    await client({ token: undefined }).runs.list({ repository: 'a/b' })
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer t1',
      'Bearer t2',
      undefined,
    ])
    expect(seen[1]?.url).toBe('/v1/runs?repository=a%2Fb&branch=x%2Fy&limit=5')
  })

  it('turns an error answer into a SlipwayError', async () => {
    const { client } = await serve(failure(409, 'resource_conflict', { 'x-request-id': 'req-1' }))
    expect(await errorOf(client().runs.create(request))).toMatchObject({
      status: 409,
      code: 'resource_conflict',
      message: 'It is resource_conflict.',
      details: { id: 'x' },
      requestId: 'req-1',
    })
  })

  it('tells what answered when it was not Slipway', async () => {
    const { client } = await serve((response) => response.writeHead(404).end('<h1>nginx</h1>'))
    const error = await errorOf(client().runs.get('r'))
    expect(error).toMatchObject({ status: 404, code: 'invalid_response' })
    expect(error.message).toContain('nginx')
  })

  it('refuses an answer that is not JSON', async () => {
    const { client } = await serve((response) => response.writeHead(200).end('hello'))
    expect(await errorOf(client().runs.get('r'))).toMatchObject({ code: 'invalid_response' })
  })

  it('tries what is idempotent again when the connection breaks', async () => {
    const { seen, client } = await serve(hangUp, hangUp, json(200, { id: 'r' }))
    expect(await client().runs.get('r')).toEqual({ id: 'r' })
    expect(seen).toHaveLength(3)
  })

  it('does not send a POST twice when the connection breaks', async () => {
    const { seen, client } = await serve(hangUp)
    expect(await errorOf(client().runs.create(request))).toMatchObject({
      status: 0,
      code: 'network_error',
    })
    expect(seen).toHaveLength(1)
  })

  it('sends a POST twice where asking twice is asking once', async () => {
    const { seen, client } = await serve(hangUp, json(200, { data: { delegationId: 'd' } }))
    const job = { jobId: '1', runId: '2', repository: 'a/b', labels: ['x'] }
    expect(await client().jobs.delegate(job)).toEqual({ delegationId: 'd' })
    expect(seen).toHaveLength(2)
  })

  it('begins no retry behind the deadline', async () => {
    const { seen, client } = await serve(failure(503, 'unavailable', { 'retry-after': '2' }))
    const retries = { retries: 9, deadlineMs: 1_999 }
    const error = await errorOf(client({ retries }).runs.get('r'))
    expect(error.code).toBe('unavailable')
    expect(seen).toHaveLength(1)
  })

  it('sends a POST again when the server says it did nothing', async () => {
    const busy = failure(429, 'limit_exceeded', { 'retry-after': '0' })
    const { seen, client } = await serve(busy, failure(503, 'unavailable'), json(201, { id: 'r' }))
    await client().runs.create(request)
    expect(seen).toHaveLength(3)
  })

  it('gives up after the retries', async () => {
    const { seen, client } = await serve(failure(503, 'unavailable'))
    const error = await errorOf(client({ retries: { retries: 2, baseDelayMs: 1 } }).runs.get('r'))
    expect(error.code).toBe('unavailable')
    expect(seen).toHaveLength(3)
  })

  it('gives up on a server that does not answer in time', async () => {
    const { client } = await serve(() => {})
    const error = await errorOf(client({ timeoutMs: 20, retries: 0 }).runs.get('r'))
    expect(error).toMatchObject({ status: 0, code: 'timeout' })
  })

  it('says what was refused when nothing listens', async () => {
    const client = createClient({ baseUrl: 'http://127.0.0.1:1', retries: 0 })
    const error = await errorOf(client.runs.get('r'))
    expect(error.code).toBe('network_error')
    expect(error.message).toMatch(/127\.0\.0\.1:1: (connect ECONNREFUSED|bad port)/)
  })

  it("throws the signal's reason when it aborts, also between retries", async () => {
    const { client } = await serve(() => {})
    const stopped = new Error('enough')
    await expect(client().runs.get('r', { signal: AbortSignal.abort(stopped) })).rejects.toBe(
      stopped,
    )
    const abort = new AbortController()
    const { client: other } = await serve((response) => {
      failure(503, 'unavailable', { 'retry-after': '30' })(response, {} as Seen)
      setImmediate(() => abort.abort(stopped))
    })
    await expect(other().runs.get('r', { signal: abort.signal })).rejects.toBe(stopped)
  })

  it('answers with the health of an unhealthy server', async () => {
    const { seen, client } = await serve(
      json(503, { status: 'unhealthy', checks: { database: 'fail' } }),
    )
    expect(await client().health()).toMatchObject({ status: 'unhealthy' })
    expect(seen).toHaveLength(1)
  })

  it('gives the metrics as they are written', async () => {
    const { seen, client } = await serve((response) => response.writeHead(200).end('up 1\n'))
    expect(await client().metrics()).toBe('up 1\n')
    expect(seen[0]).toMatchObject({ url: '/api/metrics', headers: { accept: 'text/plain' } })
  })

  it('cancels, updates, and escapes what it puts into paths', async () => {
    const { seen, client } = await serve((response) => response.writeHead(204).end())
    await client().runs.cancel('a/../b')
    await client().tokens.revoke('t')
    await client().tickets.create()
    await client().steps.updateStatus('s', { status: 'failed', exit_code: 3 })
    await client().tasks.updateStatus('t', { status: 'running' })
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'DELETE /v1/runs/a%2F..%2Fb',
      'DELETE /v1/tokens/t',
      'POST /v1/tickets',
      'PUT /v1/steps/s/status',
      'PUT /v1/tasks/t/status',
    ])
    expect(JSON.parse(seen[3]!.body)).toEqual({ status: 'failed', exit_code: 3 })
  })

  it('refuses a base URL that is none', () => {
    expect(() => createClient({ baseUrl: 'localhost:3000' })).toThrow(/baseUrl/)
  })
})

describe('lists', () => {
  const page: Answer = (response, { url }) => {
    const query = new URL(url, 'http://x').searchParams
    const offset = Number(query.get('offset'))
    const limit = Number(query.get('limit'))
    const runs = Array.from({ length: 5 }, (_, id) => ({ id: `r${id}` })).slice(
      offset,
      offset + limit,
    )
    json(200, { runs, total: 5, limit, offset })(response, {} as Seen)
  }

  it('are walked a page at a time', async () => {
    const { seen, client } = await serve(page)
    const runs = await take(client().runs.iterate({ repository: 'a/b', limit: 2 }))
    expect(runs.map(({ id }) => id)).toEqual(['r0', 'r1', 'r2', 'r3', 'r4'])
    expect(seen).toHaveLength(3)
  })

  it('are asked for no further than the loop goes', async () => {
    const { seen, client } = await serve(page)
    await take(client().runs.iterate({ repository: 'a/b', limit: 2 }), 2)
    expect(seen).toHaveLength(1)
  })

  it('give nothing twice when they grew meanwhile', async () => {
    const list = (...ids: string[]) => json(200, { runs: ids.map((id) => ({ id })), total: 4 })
    const { client } = await serve(list('c', 'b'), list('b', 'a'), list())
    const runs = await take(client().runs.iterate({ repository: 'a/b', limit: 2 }))
    expect(runs.map(({ id }) => id)).toEqual(['c', 'b', 'a'])
  })

  it('of the audit log are walked by their cursor', async () => {
    const entries = (...ids: number[]) => json(200, { entries: ids.map((id) => ({ id })) })
    const { seen, client } = await serve(entries(9, 8), entries(7))
    expect(await take(client().audit.iterate({ limit: 2 }))).toEqual([
      { id: 9 },
      { id: 8 },
      { id: 7 },
    ])
    expect(seen[1]?.url).toBe('/v1/audit?limit=2&before=8')
  })
})
