// For what it adds to Fastify's route schemas: description, security, hide.
import type {} from '@fastify/swagger'
import { STATUS_CODES } from 'node:http'
import { PlatformError } from '@slipway/contract/errors'
import type { FastifySchema } from 'fastify'
import { type RouteGuard, permissionOf } from '../route-permissions.ts'

/** Security schemes of the document, by their names. */
export const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API token (`slw_…`), see `POST /v1/tokens`.',
  },
  ticket: {
    type: 'apiKey',
    in: 'query',
    name: 'ticket',
    description: 'A ticket of `POST /v1/tickets`: one GET request within a minute.',
  },
} as const

/**
 * A route's schema as the document shows it: with the errors that follow from its guard and its
 * inputs, what its guard asks for, and named schemas as references.
 */
export function describeOperation(input: {
  method: string
  guard: RouteGuard
  schema: FastifySchema | undefined
}): FastifySchema {
  const { method, guard } = input
  const schema = input.schema ?? {}
  if (schema.hide === true) return schema
  const permission = permissionOf(guard)
  const needs = permission === null ? '' : `Needs the permission \`${permission}\`.`
  const description = [schema.description, needs].filter(Boolean).join('\n\n')
  return {
    ...schema,
    ...(description === '' ? {} : { description }),
    ...(schema.body === undefined ? {} : { body: named(schema.body) }),
    response: { ...responses(schema.response), ...errors(guard, schema) },
    security: security(method, guard),
  }
}

function security(method: string, guard: RouteGuard): Record<string, string[]>[] {
  if (guard === 'public') return []
  const ways: Record<string, string[]>[] = [{ bearer: [] }]
  if (method === 'GET') ways.push({ ticket: [] })
  if (typeof guard === 'object') ways.push({})
  return ways
}

function errors(guard: RouteGuard, schema: FastifySchema): Record<string, object> {
  const declared = new Set(Object.keys((schema.response as object | undefined) ?? {}))
  const hasInput = [schema.body, schema.querystring, schema.params].some((part) => part !== undefined)
  const when: Record<string, string> = {
    ...(hasInput ? { 400: 'The request is not valid; `details.problems` says where.' } : {}),
    ...(guard === 'public'
      ? {}
      : { 401: 'No valid token.', 429: 'Too many requests; see `Retry-After`.' }),
    ...(permissionOf(guard) === null ? {} : { 403: 'The token may not do or see this.' }),
    ...(schema.params === undefined ? {} : { 404: 'There is no such thing, or the token may not see it.' }),
    500: 'Something went wrong on our side.',
  }
  return Object.fromEntries(
    Object.entries(when)
      .filter(([status]) => !declared.has(status))
      .map(([status, description]) => [
        status,
        { description, content: { 'application/json': { schema: named(PlatformError) } } },
      ]),
  )
}

function responses(declared: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries((declared as Record<string, object> | undefined) ?? {}).map(([status, response]) => [
      status,
      describeResponse(status, response),
    ]),
  )
}

function describeResponse(status: string, response: object): object {
  const description =
    'description' in response && typeof response.description === 'string'
      ? response.description
      : `${STATUS_CODES[status] ?? status}.`
  if ('content' in response) {
    const content = Object.entries(response.content as Record<string, { schema: object }>).map(
      ([type, { schema }]) => [type, { schema: named(schema) }],
    )
    return { description, content: Object.fromEntries(content) }
  }
  if ('type' in response && response.type === 'null') return { description, type: 'null' }
  return { description, content: { 'application/json': { schema: named(response) } } }
}

/**
 * A schema with a name, wrapped so that the generator, which makes references of nested schemas
 * only, makes one of this too; `unwrapReferences` takes the wrapping off again.
 */
function named(schema: unknown): unknown {
  const hasName = typeof schema === 'object' && schema !== null && '$id' in schema
  return hasName ? { allOf: [schema] } : schema
}

/** Replaces every `{ allOf: [{ $ref }] }` in the finished document by the reference itself. */
export function unwrapReferences(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(unwrapReferences)
  if (typeof node !== 'object' || node === null) return node
  const { allOf } = node as { allOf?: unknown[] }
  const [only] = Array.isArray(allOf) && allOf.length === 1 ? allOf : []
  if (typeof only === 'object' && only !== null && '$ref' in only) return only
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, unwrapReferences(value)]),
  )
}
