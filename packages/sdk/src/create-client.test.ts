import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished, describe, expect, it } from 'vitest'
import { type ClientOptions, createClient, SlipwayError } from './index.ts'

interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}
type Answer = (response: ServerResponse, request: Seen) => void

/** A real server; each request takes the next answer, the last one for good. */
async function serve(...answers: Answer[]) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const entry = { method: request.method!, url: request.url!, headers: request.headers, body }
      seen.push(entry)
      answers[Math.min(seen.length, answers.length) - 1]!(response, entry)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = (options: Partial<ClientOptions> = {}) =>
    createClient({ baseUrl, token: 'slw_secret', retries: { baseDelayMs: 1 }, ...options })
  return { seen, baseUrl, client }
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }
const failure = (status: number, code: string, headers: Record<string, string> = {}) =>
  json(status, { error: { code, message: `It is ${code}.`, details: { id: 'x' } } }, headers)
const hangUp: Answer = (response) => void response.destroy()
const stream =
  (blocks: string, then: 'end' | 'break' | 'stay' = 'end'): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(blocks, () => {
      if (then === 'end') response.end()
      if (then === 'break') setImmediate(() => response.destroy())
    })
  }
const line = (seq: number) =>
  `id: ${seq}\ndata: ${JSON.stringify({ seq, timestamp: '2026-01-01T00:00:00.000Z', line: `l${seq}` })}\n\n`

async function take<T>(from: AsyncIterable<T>, most = Number.POSITIVE_INFINITY): Promise<T[]> {
  const taken: T[] = []
  for await (const item of from) {
    taken.push(item)
    if (taken.length >= most) break
  }
  return taken
}
const errorOf = async (promise: Promise<unknown>): Promise<SlipwayError> => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SlipwayError)
  return error as SlipwayError
}

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

describe('step logs', () => {
  const seqs = async (lines: AsyncIterable<{ seq: number }>) =>
    (await take(lines)).map(({ seq }) => seq)

  it('are lines with number and time', async () => {
    const { seen, client } = await serve(stream(`${line(1)}${line(2)}event: end\ndata: {}\n\n`))
    const lines = await take(client().steps.logs('s', { follow: true, tail: 2 }))
    expect(lines).toEqual(
      [1, 2].map((seq) => ({ seq, timestamp: '2026-01-01T00:00:00.000Z', line: `l${seq}` })),
    )
    expect(seen[0]).toMatchObject({ url: '/v1/steps/s/logs?follow=true&tail=2' })
    expect(seen[0]?.headers.accept).toBe('text/event-stream')
    expect(seen).toHaveLength(1)
  })

  it('go on behind the last line when the connection breaks', async () => {
    const { seen, client } = await serve(
      stream(`${line(1)}${line(2)}id: 3\ndata: {"se`, 'break'),
      hangUp,
      stream(`${line(3)}`, 'end'),
      stream(''),
    )
    expect(await seqs(client().steps.logs('s', { follow: true }))).toEqual([1, 2, 3])
    expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '2', '2', '3'])
  })

  it('are opened again when the stream falls silent', async () => {
    const { seen, client } = await serve(stream(line(1), 'stay'), stream('event: end\ndata:\n\n'))
    expect(await seqs(client({ idleMs: 20 }).steps.logs('s', { follow: true }))).toEqual([1])
    expect(seen[1]?.headers['last-event-id']).toBe('1')
  })

  it('fail when the server refuses', async () => {
    const { client } = await serve(stream(line(1)), failure(410, 'gone'))
    const error = await errorOf(take(client().steps.logs('s')))
    expect(error.code).toBe('gone')
  })

  it('fail when the server stays away', async () => {
    const { client } = await serve(stream(line(1), 'break'), hangUp)
    const error = await errorOf(take(client({ reconnectMs: 20 }).steps.logs('s')))
    expect(error.code).toBe('network_error')
  })

  it('read a signed link without giving the token away', async () => {
    const { seen, client } = await serve(stream(line(1)), stream(''))
    const elsewhere = await serve(stream(line(1)), stream(''))
    await take(client().steps.logs('/v1/steps/s/logs?expires=1&signature=x', { tail: 1 }))
    await take(client().steps.logs(`${elsewhere.baseUrl}/v1/steps/s/logs`))
    expect(seen[0]?.url).toBe('/v1/steps/s/logs?expires=1&signature=x&tail=1')
    expect([...seen, ...elsewhere.seen].map(({ headers }) => headers.authorization)).toEqual(
      Array(4).fill(undefined),
    )
  })

  it('close the connection when the loop is left', async () => {
    let closed: Promise<unknown> = Promise.resolve()
    const { client } = await serve((response, request) => {
      closed = once(response, 'close')
      stream(line(1), 'stay')(response, request)
    })
    await take(client().steps.logs('s', { follow: true }), 1)
    await closed
  })

  it('end with the reason of the signal', async () => {
    const { client } = await serve(stream(line(1), 'stay'))
    const abort = new AbortController()
    const stopped = new Error('enough')
    const reading = (async () => {
      for await (const _ of client().steps.logs('s', { signal: abort.signal })) abort.abort(stopped)
    })()
    await expect(reading).rejects.toBe(stopped)
  })

  it('come as plain text too', async () => {
    const { seen, client } = await serve((response) => response.writeHead(200).end('one\ntwo\n'))
    expect(await take(client().steps.logText({ id: 's' }, { after: 4 }))).toEqual(['one', 'two'])
    expect(seen[0]).toMatchObject({ url: '/v1/steps/s/logs?after=4' })
    expect(seen[0]?.headers.accept).toBe('text/plain')
  })
})

describe('events', () => {
  const block = (id: number) =>
    `id: ${id}\nevent: pipeline.run.created\ndata: {"event_type":"pipeline.run.created"}\n\n`

  it('go on over connections, also when the server closes in order', async () => {
    const { seen, client } = await serve(
      stream(`id: 4\n\n${block(5)}`),
      stream('id: 7\n\n'),
      stream(block(8)),
    )
    const options = { types: ['pipeline.run.*', 'x'], run_id: 'r', repository: 'a/b' }
    const events = await take(client().events.follow(options), 2)
    expect(events.map(({ id, event }) => [id, event.event_type])).toEqual([
      [5, 'pipeline.run.created'],
      [8, 'pipeline.run.created'],
    ])
    expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '5', '7'])
    expect(seen[0]?.url).toBe('/v1/events?types=pipeline.run.*%2Cx&repository=a%2Fb&run_id=r')
  })

  it('are refused without retries where the token may not', async () => {
    const { seen, client } = await serve(failure(403, 'authorization_failed'))
    expect((await errorOf(take(client().events.follow()))).status).toBe(403)
    expect(seen).toHaveLength(1)
  })
})

describe('watching a run', () => {
  const run = (status: string, completed_at: string | null, logs_url: string) => ({
    id: 'r',
    status,
    completed_at,
    phases: [{ tasks: [{ steps: [{ logs_url }] }] }],
  })

  it('gives each state once, the last one finished', async () => {
    const states = [
      run('running', null, 'a'),
      run('running', null, 'b'),
      run('success', '2026-01-01T00:00:00.000Z', 'c'),
    ]
    let events: ServerResponse | undefined
    const { seen, client } = await serve((response, request) => {
      if (request.url.startsWith('/v1/events')) {
        events = response
        return stream('id: 1\n\n', 'stay')(response, request)
      }
      json(200, states.shift())(response, request)
      events?.write('id: 2\ndata: {}\n\n')
      return undefined
    })
    const shown = await take(client().runs.watch('r'))
    expect(shown.map(({ status }) => status)).toEqual(['running', 'success'])
    expect(seen[0]?.url).toBe('/v1/events?run_id=r')
    await expect.poll(() => events?.closed).toBe(true)
  })

  it('fails for a run that is not there', async () => {
    const { client } = await serve((response, request) =>
      request.url.startsWith('/v1/events')
        ? stream('', 'stay')(response, request)
        : failure(404, 'resource_not_found')(response, request),
    )
    expect((await errorOf(take(client().runs.watch('r')))).code).toBe('resource_not_found')
  })
})
