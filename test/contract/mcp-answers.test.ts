import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import Fastify, { type RouteHandlerMethod } from 'fastify'
import Type, { type TSchema } from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mcpPlugin } from '../../packages/server/src/http/mcp/plugin.ts'
import { decoratePrincipal, setPrincipal } from '../../packages/server/src/http/principal.ts'
import { listRoutes } from '../../packages/server/src/http/route-list.ts'

// What becomes of answers of every kind, on an application whose routes are made for it: a family
// that comes later has its tools in this way.

const maxBytes = 1_000
/** Tells when the reader of a stream is gone. */
const streams = new EventTarget()
const tell = (type: string) => streams.dispatchEvent(new Event(type))

const paths = [
  'list',
  'pages',
  'log',
  'letters',
  'stalled',
  'silent',
  'zip',
  'odd',
  'none',
] as const
type Path = (typeof paths)[number]

const queries: Partial<Record<Path, Record<string, TSchema>>> = {
  pages: { limit: Type.Optional(Type.Integer()), offset: Type.Optional(Type.Integer()) },
  log: { tail: Type.Optional(Type.Integer()) },
}

const answers: Record<Path, RouteHandlerMethod> = {
  list: async () => [1, 2],
  pages: async () => ({ items: 'x'.repeat(maxBytes) }),
  log: async (_request, reply) => {
    reply.raw.once('close', () => tell('closed'))
    return reply.type('text/plain').send(Readable.from(endless()))
  },
  letters: async (_request, reply) => reply.type('text/plain').send('ü'.repeat(maxBytes)),
  stalled: async (_request, reply) => {
    reply.hijack()
    reply.raw.once('close', () => tell('closed'))
    reply.raw.writeHead(200, { 'content-type': 'text/plain' })
    reply.raw.write('and then')
    tell('stalled')
  },
  silent: () => new Promise(() => undefined),
  zip: async (_request, reply) => reply.type('application/zip').send(Buffer.alloc(10)),
  odd: async (_request, reply) => reply.code(409).send({ error: 'Conflict', details: 'x' }),
  none: async (_request, reply) => reply.code(204).send(),
}

async function openApp(deadlineMs: number): Promise<{ url: string; close(): Promise<void> }> {
  const app = Fastify({ forceCloseConnections: true })
  decoratePrincipal(app)
  const table = Object.fromEntries(paths.map((path) => [`GET /later/${path}`, 'public' as const]))
  const routes = listRoutes(app, { ...table, 'POST /mcp': 'authenticated' }, (route) => {
    route.onRequest = async (request) =>
      setPrincipal(request, { id: 'test', name: 'test', roles: [], repositories: null })
  })
  for (const path of paths) {
    const querystring = Type.Object(queries[path] ?? {})
    const schema = { operationId: path, summary: path, querystring }
    app.get(`/later/${path}`, { exposeHeadRoute: false, schema }, answers[path])
  }
  const limits = { maxBytes, deadlineMs }
  await app.register(mcpPlugin({ version: '0', publicUrl: null, limits }, routes))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/mcp`, close: () => app.close() }
}

let patient: Awaited<ReturnType<typeof openApp>>
let hasty: Awaited<ReturnType<typeof openApp>>
beforeAll(async () => {
  patient = await openApp(600_000)
  hasty = await openApp(100)
})
afterAll(() => Promise.all([patient.close(), hasty.close()]))

async function* endless(): AsyncGenerator<string> {
  for (;;) yield 'a line\n'
}

interface ToolResult {
  isError?: boolean
  content: { type: 'text'; text: string }[]
  structuredContent?: unknown
}

async function call(name: Path, at = patient, signal?: AbortSignal): Promise<ToolResult> {
  const answer = await fetch(at.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } }),
    ...(signal === undefined ? {} : { signal }),
  })
  return ((await answer.json()) as { result: ToolResult }).result
}

describe('an answer', () => {
  it('that is a list is the result of an object', async () => {
    expect(await call('list')).toEqual({
      content: [{ type: 'text', text: '[1,2]' }],
      structuredContent: { result: [1, 2] },
    })
  })

  it('that is too long is cut, and says how to have less', async () => {
    const { content, structuredContent, isError } = await call('pages')
    expect(isError).toBeUndefined()
    expect(structuredContent).toBeUndefined()
    expect(content[0]?.text).toBe(`{"items":"${'x'.repeat(maxBytes - 10)}`)
    expect(content[1]?.text).toBe(
      'The answer is longer: these are its first 1000 bytes. Ask for another part by limit, offset.',
    )
  })

  it('without an end is cut, and its source is told', async () => {
    const closed = once(streams, 'closed')
    const { content } = await call('log')
    expect(content[0]?.text).toHaveLength(maxBytes)
    expect(content[1]?.text).toContain('by tail.')
    await closed
  })

  it('is cut between characters', async () => {
    const { content } = await call('letters')
    expect(content[0]?.text).toBe('ü'.repeat(maxBytes / 2))
  })

  it('that is no text is named, not shown', async () => {
    expect(await call('zip')).toEqual({
      content: [
        {
          type: 'text',
          text: 'The answer is application/zip, which is not shown here. It is had over HTTP, at GET /later/zip',
        },
      ],
    })
  })

  it('that is empty is said to be', async () => {
    expect(await call('none')).toEqual({ content: [{ type: 'text', text: 'Done (204).' }] })
  })

  it('that is a refusal keeps the body of its family', async () => {
    expect(await call('odd')).toEqual({
      isError: true,
      content: [{ type: 'text', text: '{"error":"Conflict","details":"x"}' }],
      structuredContent: { error: 'Conflict', details: 'x' },
    })
  })
})

describe('no answer', () => {
  const unavailable = {
    isError: true,
    structuredContent: {
      error: {
        code: 'unavailable',
        message:
          'There was no answer within 0.1 s; whether the call has had an effect is not known',
      },
    },
  }

  it('in time is an error', async () => {
    expect(await call('silent', hasty)).toMatchObject(unavailable)
  })

  it('to the end in time is an error too, and its source is told', async () => {
    const closed = once(streams, 'closed')
    expect(await call('stalled', hasty)).toMatchObject(unavailable)
    await closed
  })

  it('is waited for when the caller has gone', async () => {
    const closed = once(streams, 'closed')
    const stalled = once(streams, 'stalled')
    const leave = new AbortController()
    const left = call('stalled', patient, leave.signal)
    await stalled
    leave.abort()
    await expect(left).rejects.toThrow('aborted')
    await closed
  })
})
