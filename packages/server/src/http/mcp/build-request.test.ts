import Fastify, { type FastifyInstance } from 'fastify'
import fc from 'fast-check'
import Type from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../errors.ts'
import { buildRequest } from './build-request.ts'
import { mergeInputs } from './merge-inputs.ts'

const inputs = mergeInputs({
  params: Type.Object({ repo: Type.String(), id: Type.String() }),
  querystring: Type.Object({
    id: Type.Optional(Type.String()),
    types: Type.Optional(Type.Array(Type.String())),
    move: Type.Optional(Type.Boolean()),
  }),
  body: Type.Object({ id: Type.Optional(Type.String()), labels: Type.Optional(Type.Unknown()) }),
})
const operation = { method: 'PUT', url: '/things/:repo/of/:id', inputs } as const
const problemsOf = (given: Record<string, unknown>) => {
  try {
    buildRequest(operation, given)
  } catch (error) {
    if (error instanceof AppError) return error.details?.['problems']
    throw error
  }
  return []
}

describe('buildRequest', () => {
  it('puts every argument where it belongs', () => {
    const given = {
      repo: 'acme/shop',
      id: 7,
      query_id: 'a b',
      types: ['x', 'y'],
      move: true,
      body_id: 'z',
      labels: null,
    }
    expect(buildRequest(operation, given)).toEqual({
      method: 'PUT',
      url: '/things/acme%2Fshop/of/7?id=a+b&types=x&types=y&move=true',
      body: '{"id":"z","labels":null}',
    })
  })

  it('sends the body that is needed even where nothing goes into it, and none otherwise', () => {
    expect(buildRequest(operation, { repo: 'a', id: 'b' }).body).toBe('{}')
    const optional = mergeInputs({
      body: Type.Union([Type.Object({ a: Type.Optional(Type.String()) }), Type.Null()]),
    })
    const maybe = { method: 'POST', url: '/x', inputs: optional } as const
    expect(buildRequest(maybe, {}).body).toBeUndefined()
    expect(buildRequest(maybe, { a: 'b' }).body).toBe('{"a":"b"}')
  })

  it('takes a body that is one argument as it is, null too', () => {
    const list = {
      method: 'POST',
      url: '/x',
      inputs: mergeInputs({ body: Type.Array(Type.Null()) }),
    }
    expect(buildRequest({ ...list, method: 'POST' }, { body: [1] }).body).toBe('[1]')
    expect(buildRequest({ ...list, method: 'POST' }, { body: null }).body).toBe('null')
  })

  it('names every problem at once', () => {
    expect(problemsOf({ id: '..', types: [{}], unknown: 1, constructor: 2 })).toEqual([
      { path: '/id', message: 'must not be empty or dots' },
      { path: '/types', message: 'must be text, a number, true, false, or a list of these' },
      { path: '/unknown', message: 'is not known here' },
      { path: '/constructor', message: 'is not known here' },
      { path: '/repo', message: 'is missing' },
    ])
  })

  it.each(['', '.', '..', null, {}, ['a'], '\ud800', undefined])('refuses %j in a path', (id) => {
    expect(problemsOf({ repo: 'a', id })).toHaveLength(1)
  })
})

describe('a request', () => {
  let app: FastifyInstance
  beforeAll(async () => {
    app = Fastify({ routerOptions: { maxParamLength: 1_000 } })
    app.put('/things/:repo/of/:id', async ({ params, query, body }) => ({ params, query, body }))
    app.all('/*', async () => ({ elsewhere: true }))
    await app.ready()
  })
  afterAll(() => app.close())

  it('reaches its own route with the very values, whatever they are', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('..', '.', '%2e%2e', '../..', 'a/../b', '?x=1', '#', '//', '%', '\\', '\t\n'),
    )
    // A body with one of these keys is refused by whoever parses it.
    const json = fc
      .jsonValue()
      .filter((value) => !/"(__proto__|constructor)"/.test(JSON.stringify(value)))
    await fc.assert(
      fc.asyncProperty(text, text, text, json, async (repo, id, query_id, labels) => {
        let request: ReturnType<typeof buildRequest>
        try {
          request = buildRequest(operation, { repo, id, query_id, labels })
        } catch (error) {
          const hopeless = (value: string) => /^\.{0,2}$|\p{Surrogate}/u.test(value)
          expect(error).toBeInstanceOf(AppError)
          expect([repo, id].some(hopeless) || /\p{Surrogate}/u.test(query_id)).toBe(true)
          return
        }
        const answer = await app.inject({
          method: request.method,
          url: request.url,
          headers: { 'content-type': 'application/json' },
          payload: request.body ?? '',
        })
        expect(answer.json()).toEqual({
          params: { repo, id },
          query: { id: query_id },
          body: JSON.parse(JSON.stringify({ labels })) as unknown,
        })
      }),
      { numRuns: 300 },
    )
  })
})
