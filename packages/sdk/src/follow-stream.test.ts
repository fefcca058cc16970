import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import {
  errorOf,
  failure,
  hangUp,
  json,
  serve,
  stream,
  take,
} from '../../../test/support/scripted-server.ts'

const line = (seq: number) =>
  `id: ${seq}\ndata: ${JSON.stringify({ seq, timestamp: '2026-01-01T00:00:00.000Z', line: `l${seq}` })}\n\n`

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
