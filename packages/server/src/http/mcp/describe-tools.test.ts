import type { FastifySchema } from 'fastify'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import type { KnownRoute } from '../route-list.ts'
import { describeTools } from './describe-tools.ts'

const route = (more: Partial<KnownRoute>, schema: FastifySchema = {}): KnownRoute => ({
  method: 'GET',
  url: '/v1/things',
  guard: 'runs:read',
  schema: { operationId: 'listAllThings', summary: 'List things', ...schema },
  ...more,
})
const only = (one: KnownRoute) => [...describeTools([one]).values()][0]?.tool

describe('describeTools', () => {
  it('names and describes a tool as the operation is', () => {
    expect(only(route({}, { description: 'Newest first.' }))).toEqual({
      name: 'list_all_things',
      title: 'List things',
      description: 'List things.\n\nNewest first.',
      inputSchema: { type: 'object', properties: {}, required: [], additionalProperties: false },
      annotations: { readOnlyHint: true },
    })
  })

  it.each([
    ['GET', '/x', { readOnlyHint: true }],
    ['POST', '/v1/deployments/preview', { readOnlyHint: true }],
    ['POST', '/x', { readOnlyHint: false }],
    ['PATCH', '/x', { readOnlyHint: false }],
    ['PUT', '/x', { readOnlyHint: false, idempotentHint: true }],
    ['DELETE', '/x', { readOnlyHint: false, destructiveHint: true, idempotentHint: true }],
  ])('says of %s %s what it does', (method, url, annotations) => {
    expect(only(route({ method, url }))?.annotations).toEqual(annotations)
  })

  const stream = { description: '', content: { 'text/event-stream': { schema: Type.String() } } }
  const zip = { description: '', content: { 'application/zip': { schema: Type.String() } } }
  const log = { description: '', content: { 'text/plain': {}, 'text/event-stream': {} } }

  it.each([
    ['is no operation', route({ schema: undefined })],
    ['is hidden', route({}, { hide: true })],
    ['has no name', route({ schema: { summary: 'x' } })],
    ['is the HEAD of a GET', route({ method: 'HEAD' })],
    ['is a stream', route({}, { response: { 200: stream } })],
    ['is a file', route({}, { response: { 200: zip, 206: zip, 404: log } })],
    ['takes a file', route({ method: 'POST' }, { consumes: ['multipart/form-data'] })],
    ['strangers send, signed', route({ method: 'POST', guard: 'public' })],
  ])('makes no tool of what %s', (_what, one) => {
    expect(describeTools([one]).size).toBe(0)
  })

  it('makes a tool of what need not be a stream, and of what everybody may read', () => {
    expect(only(route({}, { response: { 200: log, 400: stream } }))).toBeDefined()
    expect(only(route({ guard: 'public' }, { response: { 204: Type.Null() } }))).toBeDefined()
  })

  it('does not let one tool hide another', () => {
    expect(() => describeTools([route({}), route({ url: '/v1/others' })])).toThrow(
      'list_all_things',
    )
  })
})
