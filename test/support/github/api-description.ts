import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import ajvFormats from 'ajv-formats'
import type { OperationId } from './operations.ts'

interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  schema: object
}
interface Content {
  schema?: { properties?: object }
  examples?: Record<string, { value?: unknown; $ref?: string }>
}
interface OperationObject {
  operationId: OperationId
  parameters?: (Parameter | { $ref: string })[]
  requestBody?: { required?: boolean; content: Record<string, Content> }
  responses: Record<string, { content?: Record<string, Content>; $ref?: string }>
}
interface Description {
  source: string
  paths: Record<string, Record<string, OperationObject>>
  components: Record<string, Record<string, unknown>>
}

/** A request as an operation of GitHub's takes it. */
export interface MatchedRequest {
  operation: OperationId
  params: Record<string, string>
}

/** GitHub's published description of the operations that are used, made executable. */
export interface ApiDescription {
  readonly source: string
  readonly operations: readonly OperationId[]
  match(method: string, path: string): MatchedRequest | null
  /** What a request does not keep to; empty: it is as described. */
  requestProblems(
    request: MatchedRequest & { query: URLSearchParams; contentType: string; body: unknown },
  ): string[]
  /** What an answer does not keep to. Statuses that an operation does not list are any operation's. */
  answerProblems(operation: OperationId, status: number, body: unknown): string[]
  /** GitHub's own example of the answer. */
  example(operation: OperationId, status: number): Record<string, unknown>
}

export function readApiDescription(): ApiDescription {
  const file = new URL('openapi.gen.json', import.meta.url)
  const description = JSON.parse(readFileSync(file, 'utf8')) as Description
  const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: true })
  ajvFormats.default(ajv)
  ajv.addSchema({ $id: 'github', components: toJsonSchema(description.components) as object })
  const compiled = new Map<object, ValidateFunction>()
  const validate = (schema: object, value: unknown, where: string): string[] => {
    const known = compiled.get(schema) ?? ajv.compile(toJsonSchema(schema) as object)
    compiled.set(schema, known)
    if (known(structuredClone(value))) return []
    return (known.errors ?? []).map(
      ({ instancePath, message }) => `${where}${instancePath} ${message}`,
    )
  }
  const resolve = <T>(part: T | { $ref: string }): T => {
    if (typeof part !== 'object' || part === null || !('$ref' in part)) return part
    const [kind = '', name = ''] = part.$ref.replace('#/components/', '').split('/')
    return description.components[kind]?.[name] as T
  }
  const all = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
      operation,
    })),
  )
  const find = (id: OperationId): OperationObject => {
    const found = all.find(({ operation }) => operation.operationId === id)
    if (found === undefined) throw new Error(`there is no operation ${id}`)
    return found.operation
  }
  const contentOf = (id: OperationId, status: number): Content | undefined =>
    resolve(find(id).responses[String(status)])?.content?.['application/json']

  return {
    source: description.source,
    operations: all.map(({ operation }) => operation.operationId),
    match(method, path) {
      for (const known of all) {
        const match = known.method === method ? known.pattern.exec(path) : null
        if (match === null) continue
        const groups = Object.entries(match.groups ?? {})
        const params = groups.map(([name, value]) => [name, decodeURIComponent(value)])
        return { operation: known.operation.operationId, params: Object.fromEntries(params) }
      }
      return null
    },
    requestProblems({ operation, params, query, contentType, body }) {
      const { parameters = [], requestBody } = find(operation)
      const problems: string[] = []
      const known = new Set<string>()
      for (const parameter of parameters.map((given) => resolve<Parameter>(given))) {
        const { name, schema } = parameter
        known.add(name)
        const value = parameter.in === 'path' ? params[name] : query.get(name)
        if (value === null || value === undefined) {
          if (parameter.required === true) problems.push(`${parameter.in} ${name} is missing`)
          continue
        }
        // It takes ranges, too, though it is described as one moment.
        const values = name === 'created' ? value.split('..') : [value]
        for (const one of values) {
          problems.push(...validate(wrapped(schema), { value: one }, `${parameter.in} ${name}`))
        }
      }
      for (const name of query.keys()) {
        if (!known.has(name)) problems.push(`query ${name} is not known`)
      }
      const [type = '', content = {}] = Object.entries(requestBody?.content ?? {})[0] ?? []
      if (type === 'application/json' && body !== undefined) {
        if (!contentType.startsWith(type)) problems.push(`the body is ${contentType}`)
        problems.push(...validate(content.schema ?? {}, body, 'body'))
        const properties = content.schema?.properties
        for (const name of Object.keys(body ?? {})) {
          if (properties !== undefined && !(name in properties)) {
            problems.push(`body ${name} is not known`)
          }
        }
      }
      if (requestBody?.required === true && body === undefined) problems.push('a body is missing')
      return problems
    },
    answerProblems(operation, status, body) {
      const schema = contentOf(operation, status)?.schema
      return schema === undefined ? [] : validate(schema, body, `${operation} ${status}`)
    },
    example(operation, status) {
      const [first] = Object.values(contentOf(operation, status)?.examples ?? {})
      const example = first === undefined ? undefined : resolve(first)
      if (example?.value === undefined) throw new Error(`${operation} has no example`)
      const { value } = example
      const one: unknown = Array.isArray(value) ? value[0] : value
      return structuredClone(one) as Record<string, unknown>
    },
  }
}

const wrappers = new WeakMap<object, object>()

/** Texts are turned into what a schema asks for only below an object. */
function wrapped(schema: object): object {
  const known = wrappers.get(schema) ?? { type: 'object', properties: { value: schema } }
  wrappers.set(schema, known)
  return known
}

/** OpenAPI 3.0 says `nullable`, JSON Schema a type more. */
function toJsonSchema(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(toJsonSchema)
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).map(([key, value]): [string, unknown] =>
    key === '$ref' && typeof value === 'string'
      ? [key, value.replace('#/components/', 'github#/components/')]
      : key === 'example' || key === 'examples' || key === 'default'
        ? [key, null]
        : // The texts of a URL are of several types at once.
          key === 'oneOf'
          ? ['anyOf', toJsonSchema(value)]
          : [key, toJsonSchema(value)],
  )
  const { nullable, ...schema } = Object.fromEntries(entries) as Record<string, unknown>
  delete schema['examples']
  delete schema['default']
  if (nullable !== true) return schema
  if (typeof schema['type'] !== 'string') return { anyOf: [schema, { type: 'null' }] }
  const words = schema['enum'] as unknown[] | undefined
  return {
    ...schema,
    type: [schema['type'], 'null'],
    ...(words === undefined ? {} : { enum: [...words, null] }),
  }
}
