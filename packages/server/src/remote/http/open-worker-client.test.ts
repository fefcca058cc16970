import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { AppError } from '../../errors.ts'
import { NoAnswer } from './no-answer.ts'
import { openWorkerApi } from './open-worker-api.ts'
import { openWorkerClient } from './open-worker-client.ts'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

const opened: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close()
})

const say = (status: number, body: unknown): Answer => {
  return (response) => void response.writeHead(status).end(JSON.stringify(body))
}
const error = (status: number, code: string, details?: object) =>
  say(status, { error: { code, message: 'because', ...(details && { details }) } })
const breakOff: Answer = (response) => void response.destroy()

/** A server that answers one after the other, and a client of it. */
async function open(answers: readonly Answer[], options: { port?: number } = {}) {
  const asked: string[] = []
  let token = 'first'
  const server: Server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { method, url, headers } = request
      asked.push([method, url, headers.authorization, body.toString()].join(' ').trim())
      answers[asked.length - 1]?.(response, request)
    })
  }).listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  opened.push(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  const api = openWorkerApi({
    url: `http://127.0.0.1:${port}/below`,
    token: { current: () => token },
    version: '1.2.3',
  })
  opened.push(() => api.close())
  const client = openWorkerClient({
    api,
    token: {
      async reload() {
        const isNew = token === 'first'
        token = 'second'
        return isNew
      },
    },
  })
  return { client, asked, server, port }
}

const always = { repeat: 'always' } as const
const unsent = { repeat: 'unsent' } as const
const never = { repeat: 'never' } as const

describe('what is asked', () => {
  it('goes below the server’s path with the token, and its answer comes back', async () => {
    const { client, asked } = await open([
      say(200, { a: 1 }),
      (response) => response.writeHead(204).end(),
    ])
    expect(await client.ask('POST', '/v1/x', { body: { b: 2 }, ...never })).toEqual({ a: 1 })
    expect(await client.ask('DELETE', '/v1/y', never)).toBeUndefined()
    expect(asked).toEqual([
      'POST /below/v1/x Bearer first {"b":2}',
      'DELETE /below/v1/y Bearer first',
    ])
  })

  it('comes to what the server has thrown', async () => {
    const { client } = await open([
      error(409, 'resource_conflict', { reason: 'lost' }),
      error(404, 'resource_not_found'),
      error(503, 'unavailable', { answered: true, at: 'registry' }),
      error(503, 'unavailable', { answered: true }),
    ])
    const thrown = []
    for (let n = 0; n < 4; n++) {
      thrown.push(await client.ask('GET', '/v1/x', always).catch((reason: unknown) => reason))
    }
    expect(thrown).toMatchObject([
      { name: 'AppError', code: 'resource_conflict', details: { reason: 'lost' } },
      { name: 'AppError', code: 'resource_not_found', message: 'because' },
      { name: 'AppError', code: 'unavailable', details: { at: 'registry' } },
      { name: 'AppError', code: 'unavailable', details: undefined },
    ])
  })

  it.each<[string, Answer]>([
    ['breaks off', breakOff],
    ['fails', error(500, 'internal_error')],
    ['is a proxy’s', (response) => void response.writeHead(502).end('<html>')],
    ['cannot answer now', error(503, 'unavailable')],
    ['is no JSON', (response) => void response.writeHead(200).end('{')],
  ])('is asked again where that is harmless and the server %s', async (_, first) => {
    const { client, asked } = await open([first, say(200, 'done')])
    expect(await client.ask('POST', '/v1/x', always)).toBe('done')
    expect(asked).toHaveLength(2)
  })

  it('is left to who asked where it says so', async () => {
    const { client, asked } = await open([breakOff, error(500, 'internal_error')])
    for (let n = 0; n < 2; n++) {
      await expect(client.ask('POST', '/v1/x', never)).rejects.toMatchObject({
        name: 'NoAnswer',
        mayHaveHappened: true,
      })
    }
    expect(asked).toHaveLength(2)
  })

  it('is not asked twice where it may have happened, and again where it cannot have', async () => {
    const { client, asked, server, port } = await open([
      error(503, 'unavailable'),
      say(200, 'begun'),
      breakOff,
    ])
    expect(await client.ask('POST', '/v1/x', unsent)).toBe('begun')
    await expect(client.ask('POST', '/v1/x', unsent)).rejects.toBeInstanceOf(NoAnswer)
    expect(asked).toHaveLength(3)
    server.close().closeAllConnections()
    await once(server, 'close')
    const waiting = client.ask('POST', '/v1/x', unsent)
    const later = await open([say(200, 'at last')], { port })
    expect(await waiting).toBe('at last')
    expect(later.asked).toHaveLength(1)
  })

  it('is asked once more with another token, where there is one by then', async () => {
    const { client, asked } = await open([
      error(401, 'authentication_failed'),
      say(200, 1),
      error(401, 'authentication_failed'),
    ])
    expect(await client.ask('GET', '/v1/x', never)).toBe(1)
    expect(asked[1]).toContain('Bearer second')
    await expect(client.ask('GET', '/v1/x', always)).rejects.toMatchObject({
      code: 'authentication_failed',
    })
    expect(asked).toHaveLength(3)
  })

  it('is given up with the reason of its signal', async () => {
    const { client } = await open([breakOff, breakOff, () => undefined])
    const stop = new AbortController()
    const asking = client.ask('GET', '/v1/x', { ...always, signal: stop.signal })
    stop.abort(new Error('told to'))
    await expect(asking).rejects.toThrow('told to')
  })

  it('is given up where no answer comes in its time', async () => {
    const { client } = await open([() => undefined])
    await expect(client.ask('GET', '/v1/x', { ...never, answerMs: 50 })).rejects.toBeInstanceOf(
      NoAnswer,
    )
  })
})

describe('what may be done twice, with requests of its own', () => {
  it('is done again where there is no answer, and not where there is a refusal', async () => {
    const { client } = await open([])
    const signal = AbortSignal.timeout(30_000)
    let tries = 0
    const once = async () => {
      tries += 1
      if (tries === 1) throw new Error('socket hang up')
      if (tries === 2) throw new NoAnswer('status 502', { mayHaveHappened: true })
      return 'done'
    }
    expect(await client.persist(once, signal)).toBe('done')
    expect(tries).toBe(3)
    const refusal = new AppError('resource_conflict', 'It is another’s')
    const refused = client.persist(() => Promise.reject(refusal), signal)
    await expect(refused).rejects.toBe(refusal)
  })

  it('ends with the reason of its signal', async () => {
    const { client } = await open([])
    const stop = new AbortController()
    const persisting = client.persist(() => {
      stop.abort(new Error('told to'))
      return Promise.reject(new Error('socket hang up'))
    }, stop.signal)
    await expect(persisting).rejects.toThrow('told to')
  })
})

describe('work that takes long', () => {
  const { signal } = new AbortController()
  const lines = (...messages: object[]): Answer => {
    return (response) => {
      response.writeHead(200)
      for (const message of messages) response.write(`${JSON.stringify(message)}\n`)
      response.end()
    }
  }

  it('comes to its result, or to what was thrown', async () => {
    const failure = { code: 'invalid_request', message: 'no', details: { a: 1 } }
    const { client } = await open([
      lines({ type: 'ping' }, { type: 'done', result: { n: 1 } }),
      lines({ type: 'ping' }, { type: 'failed', error: failure }),
      error(409, 'resource_conflict'),
    ])
    expect(await client.work('/v1/x', signal)).toEqual({ n: 1 })
    await expect(client.work('/v1/x', signal)).rejects.toMatchObject({
      name: 'AppError',
      ...failure,
    })
    await expect(client.work('/v1/x', signal)).rejects.toMatchObject({ code: 'resource_conflict' })
  })

  it('is asked for again where it breaks off without an end', async () => {
    const { client, asked } = await open([
      lines({ type: 'ping' }),
      (response) => {
        response.writeHead(200).write('{"type":"ping"}\n', () => response.destroy())
      },
      lines({ type: 'done', result: 'third' }),
    ])
    expect(await client.work('/v1/x', signal)).toBe('third')
    expect(asked).toHaveLength(3)
  })

  it('is ended by its signal, which the server hears of', async () => {
    let leave = () => {}
    let begin = () => {}
    const gone = new Promise<void>((resolve) => (leave = resolve))
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const { client } = await open([
      (response) => {
        response.once('close', () => leave())
        response.writeHead(200).write('{"type":"ping"}\n', () => begin())
      },
    ])
    const stop = new AbortController()
    const working = client.work('/v1/x', stop.signal)
    await begun
    stop.abort(new Error('told to'))
    await expect(working).rejects.toThrow('told to')
    await gone
  })
})
