// For what it adds to Fastify's route schemas: description, security, hide.
import type {} from '@fastify/swagger'
import { STATUS_CODES } from 'node:http'
import type { FastifySchema } from 'fastify'
import {
  type RouteGuard,
  isOpen,
  permissionOf,
  takesAnonymous,
  takesPasswords,
  takesSignedLinks,
} from '../route-permissions.ts'
import type { Refer } from './named-schemas.ts'

/** Security schemes of the document, by their names. */
export const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API token (`slw_…`), see `POST /v1/tokens`.',
  },
  password: {
    type: 'http',
    scheme: 'basic',
    description: 'Any user name, and an API token as password.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'slipway-session',
    description:
      'A browser’s session, see `POST /v1/session`; `__Host-slipway-session` behind HTTPS. Changes need `X-CSRF-Token`.',
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
export function describeOperation(
  input: {
    method: string
    guard: RouteGuard
    schema: FastifySchema | undefined
    /** Body of the family's errors. */
    error: object
  },
  refer: Refer,
): FastifySchema {
  const { method, guard } = input
  const schema = input.schema ?? {}
  if (schema.hide === true) return schema
  const permission = permissionOf(guard)
  const needs = permission === null ? '' : `Needs the permission \`${permission}\`.`
  const open = takesAnonymous(guard) ? 'Open to all where SLIPWAY_ANONYMOUS_STATUS is `true`.' : ''
  const description = [schema.description, needs, open].filter(Boolean).join('\n\n')
  return {
    ...schema,
    ...(description === '' ? {} : { description }),
    ...(schema.body === undefined ? {} : { body: refer(schema.body) }),
    response: {
      ...responses(schema.response, refer),
      ...errors(guard, schema, refer(input.error)),
    },
    security: security(method, guard),
  }
}

function security(method: string, guard: RouteGuard): Record<string, string[]>[] {
  if (isOpen(guard)) return []
  const ways: Record<string, string[]>[] = [{ bearer: [] }]
  if (takesPasswords(guard)) return [...ways, { password: [] }]
  ways.push({ session: [] })
  if (method === 'GET') ways.push({ ticket: [] })
  if (takesSignedLinks(guard) || takesAnonymous(guard)) ways.push({})
  return ways
}

function errors(guard: RouteGuard, schema: FastifySchema, body: unknown): Record<string, object> {
  const declared = new Set(Object.keys((schema.response as object | undefined) ?? {}))
  const hasInput = [schema.body, schema.querystring, schema.params].some(
    (part) => part !== undefined,
  )
  const when: Record<string, string> = {
    ...(hasInput ? { 400: 'The request is not valid; the answer says where.' } : {}),
    ...(isOpen(guard) ? {} : { 401: 'No valid token.' }),
    ...(guard === 'public' ? {} : { 429: 'Too many requests; see `Retry-After`.' }),
    ...(permissionOf(guard) === null ? {} : { 403: 'The token may not do or see this.' }),
    ...(schema.params === undefined
      ? {}
      : { 404: 'There is no such thing, or the token may not see it.' }),
    500: 'Something went wrong on our side.',
  }
  return Object.fromEntries(
    Object.entries(when)
      .filter(([status]) => !declared.has(status))
      .map(([status, description]) => [
        status,
        { description, content: { 'application/json': { schema: body } } },
      ]),
  )
}

function responses(declared: unknown, refer: Refer): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries((declared as Record<string, object> | undefined) ?? {}).map(
      ([status, response]) => [status, describeResponse(status, response, refer)],
    ),
  )
}

function describeResponse(status: string, response: object, refer: Refer): object {
  const description =
    'description' in response && typeof response.description === 'string'
      ? response.description
      : `${STATUS_CODES[status] ?? status}.`
  if ('content' in response) {
    const content = Object.entries(response.content as Record<string, { schema: object }>).map(
      ([type, { schema }]) => [type, { schema: refer(schema) }],
    )
    return { description, content: Object.fromEntries(content) }
  }
  if ('type' in response && response.type === 'null') return { description, type: 'null' }
  return { description, content: { 'application/json': { schema: refer(response) } } }
}
