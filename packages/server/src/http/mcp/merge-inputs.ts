import type { FastifySchema } from 'fastify'

/** A JSON Schema, as it is. */
export type JsonSchema = Record<string, unknown>

/** Where in a request an argument of a tool goes. */
export type Place =
  | { in: 'path' | 'query' | 'property'; name: string }
  /** The argument is the whole body. */
  | { in: 'body' }

export interface ToolInputs {
  /** Schema of the arguments: an object without others, that refers to nothing outside itself. */
  schema: {
    type: 'object'
    properties: Record<string, JsonSchema>
    required: string[]
  } & JsonSchema
  places: ReadonlyMap<string, Place>
  /** Whether there is a body even where no argument goes into it. */
  needsBody: boolean
}

/** In a query these are credentials, or make a stream of the answer, which no tool has. */
const withheld: ReadonlySet<string> = new Set(['ticket', 'expires', 'signature', 'follow'])

/**
 * The inputs of a route as the arguments of one tool: path, query and body side by side. A name that
 * is there already gets its part in front: `query_name`, `body_name`. A body that is no plain object
 * is one argument, `body`.
 */
export function mergeInputs(
  inputs: Pick<FastifySchema, 'params' | 'querystring' | 'body'>,
): ToolInputs {
  const properties: Record<string, JsonSchema> = {}
  const required: string[] = []
  const places = new Map<string, Place>()

  function add(name: string, place: Place, schema: JsonSchema, isRequired: boolean): void {
    let free = name
    while (places.has(free)) free = `${place.in === 'query' ? 'query' : 'body'}_${free}`
    places.set(free, place)
    properties[free] = schema
    if (isRequired) required.push(free)
  }

  const path = fieldsOf(plain(inputs.params))
  for (const { name, schema } of path) add(name, { in: 'path', name }, schema, true)

  for (const { name, schema, isRequired } of fieldsOf(plain(inputs.querystring))) {
    if (!withheld.has(name)) add(name, { in: 'query', name }, schema, isRequired)
  }

  const { schema: body, mayBeMissing } = withoutNull(plain(inputs.body))
  const needsBody = body !== undefined && !mayBeMissing
  if (body !== undefined && isPlainObject(body)) {
    for (const { name, schema, isRequired } of fieldsOf(body)) {
      add(name, { in: 'property', name }, schema, isRequired && needsBody)
    }
  } else if (body !== undefined) {
    add('body', { in: 'body' }, body, needsBody)
  }

  const schema = { type: 'object' as const, properties, required, additionalProperties: false }
  return { schema, places, needsBody }
}

/** A copy without names of schemas: everything they name stands where it is used. */
function plain(schema: unknown): JsonSchema | undefined {
  if (schema === undefined) return undefined
  return JSON.parse(JSON.stringify(schema, dropNames)) as JsonSchema
}

function dropNames(key: string, value: unknown): unknown {
  return key === '$id' && typeof value === 'string' ? undefined : value
}

interface Field {
  name: string
  schema: JsonSchema
  isRequired: boolean
}

function fieldsOf(schema: JsonSchema | undefined): Field[] {
  const properties = (schema?.['properties'] ?? {}) as Record<string, JsonSchema>
  const required = new Set((schema?.['required'] ?? []) as string[])
  return Object.entries(properties).map(([name, field]) => ({
    name,
    schema: field,
    isRequired: required.has(name),
  }))
}

/** What is left of "this or null": null stands for no body at all. */
function withoutNull(schema: JsonSchema | undefined): {
  schema: JsonSchema | undefined
  mayBeMissing: boolean
} {
  const types = schema?.['type']
  if (Array.isArray(types) && types.includes('null')) {
    const [type, ...more] = (types as string[]).filter((one) => one !== 'null')
    return {
      schema: { ...schema, type: more.length === 0 ? type : [type, ...more] },
      mayBeMissing: true,
    }
  }
  const all = schema?.['anyOf']
  if (!Array.isArray(all)) return { schema, mayBeMissing: false }
  const others = (all as JsonSchema[]).filter(({ type }) => type !== 'null')
  const mayBeMissing = others.length < all.length
  return { schema: mayBeMissing && others.length === 1 ? others[0] : schema, mayBeMissing }
}

const plainKeywords: ReadonlySet<string> = new Set([
  'type',
  'properties',
  'required',
  'additionalProperties',
  // Of the fields; path and query are counted apart from them, by the route.
  'minProperties',
  'maxProperties',
  'title',
  'description',
  'examples',
])

/** Whether a schema says nothing but which fields there are and how many, and allows no others. */
function isPlainObject(schema: JsonSchema): boolean {
  return (
    schema['type'] === 'object' &&
    schema['properties'] !== undefined &&
    schema['additionalProperties'] !== true &&
    typeof schema['additionalProperties'] !== 'object' &&
    Object.keys(schema).every((keyword) => plainKeywords.has(keyword))
  )
}
