import { Ajv2020 } from 'ajv/dist/2020.js'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { mergeInputs } from './merge-inputs.ts'

const Named = Type.Object({ a: Type.String() }, { $id: 'Named' })

describe('mergeInputs', () => {
  it('puts path, query and body side by side, and keeps what is required', () => {
    const { schema, places, needsBody } = mergeInputs({
      params: Type.Object({ id: Type.String() }),
      querystring: Type.Object({ limit: Type.Optional(Type.Integer()), of: Type.String() }),
      body: Type.Object({ name: Type.String(), note: Type.Optional(Type.String()) }),
    })
    expect(Object.keys(schema.properties)).toEqual(['id', 'limit', 'of', 'name', 'note'])
    expect(schema.required).toEqual(['id', 'of', 'name'])
    expect(schema.additionalProperties).toBe(false)
    expect(schema.properties['limit']).toEqual({ type: 'integer' })
    expect([...places.values()].map((place) => place.in)).toEqual([
      'path',
      'query',
      'query',
      'property',
      'property',
    ])
    expect(needsBody).toBe(true)
  })

  it('puts the part in front of a name that is taken', () => {
    const id = Type.Object({ id: Type.String() })
    const { schema, places } = mergeInputs({ params: id, querystring: id, body: id })
    expect(schema.required).toEqual(['id', 'query_id', 'body_id'])
    expect(places.get('query_id')).toEqual({ in: 'query', name: 'id' })
    expect(places.get('body_id')).toEqual({ in: 'property', name: 'id' })
  })

  it('finds a name for every field, whatever the fields are called', () => {
    const { places } = mergeInputs({
      params: Type.Object({ id: Type.String(), body_id: Type.String(), query_id: Type.String() }),
      querystring: Type.Object({ id: Type.String() }),
      body: Type.Object({ id: Type.String() }),
    })
    expect([...places.keys()]).toEqual([
      'id',
      'body_id',
      'query_id',
      'query_query_id',
      'body_body_id',
    ])
  })

  it('stands alone: names of schemas are gone, however deep, and so is what they could refer to', () => {
    const { schema } = mergeInputs({
      body: Type.Object({ one: Named, many: Type.Array(Named) }, { $id: 'Body' }),
    })
    expect(JSON.stringify(schema)).not.toMatch(/\$id|\$ref/)
    const validate = new Ajv2020({ strict: true }).compile(schema)
    expect(validate({ one: { a: 'x' }, many: [{ a: 'y' }] })).toBe(true)
    expect(validate({ one: { a: 1 }, many: [] })).toBe(false)
  })

  it.each([
    ['a choice', Type.Union([Named, Type.Null()])],
    ['a list of types', { ...Named, type: ['object', 'null'] }],
  ])('asks for no body where none may be sent, said by %s', (_what, body) => {
    const { schema, needsBody } = mergeInputs({ body })
    expect(needsBody).toBe(false)
    expect(schema.required).toEqual([])
    expect(Object.keys(schema.properties)).toEqual(['a'])
  })

  it('leaves it to the route how many fields of a body there must be', () => {
    const body = Type.Object({ a: Type.Optional(Type.String()) }, { minProperties: 1 })
    const { schema, needsBody } = mergeInputs({ body })
    expect(schema).toMatchObject({ properties: { a: { type: 'string' } }, required: [] })
    expect(needsBody).toBe(true)
  })

  it.each([
    ['a list', Type.Array(Type.String())],
    ['a choice', Type.Union([Named, Type.Object({ b: Type.String() })])],
    ['a map', Type.Record(Type.String(), Type.String())],
    [
      'an object with a condition',
      Type.Object({ a: Type.String() }, { dependentRequired: { a: ['b'] } }),
    ],
    ['an object open to others', Type.Object({}, { additionalProperties: true })],
  ])('takes %s as one argument', (_what, body) => {
    const { schema, places } = mergeInputs({ body })
    expect(schema.required).toEqual(['body'])
    expect(places.get('body')).toEqual({ in: 'body' })
    expect(schema.properties['body']).toEqual(
      JSON.parse(JSON.stringify(body, (k, v) => (k === '$id' ? undefined : v))),
    )
  })

  it('offers no credentials of the query, and nothing that makes a stream of the answer', () => {
    const names = ['ticket', 'expires', 'signature', 'follow', 'tail']
    const { schema } = mergeInputs({
      querystring: Type.Object(Object.fromEntries(names.map((name) => [name, Type.String()]))),
    })
    expect(Object.keys(schema.properties)).toEqual(['tail'])
  })

  it('makes of no inputs an object without properties', () => {
    expect(mergeInputs({})).toMatchObject({
      schema: { type: 'object', properties: {}, required: [] },
      needsBody: false,
    })
  })
})
