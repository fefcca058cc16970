// For what it adds to Fastify's route schemas: operationId, summary, description, hide.
import type {} from '@fastify/swagger'
import type { Tool } from '@modelcontextprotocol/server'
import { isChange } from '../audit-changes.ts'
import type { KnownRoute } from '../route-list.ts'
import type { RouteGuard } from '../route-permissions.ts'
import { type ToolInputs, mergeInputs } from './merge-inputs.ts'

/** An operation of the API as a tool. */
export interface ToolOperation {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Fastify's pattern, e.g. /v1/runs/:id. */
  url: string
  guard: RouteGuard
  inputs: ToolInputs
  /** What a client is told. */
  tool: Tool
}

const methods: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** A tool for every operation of the API that can be one, by its name: `getRun` is `get_run`. */
export function describeTools(routes: readonly KnownRoute[]): ReadonlyMap<string, ToolOperation> {
  const tools = new Map<string, ToolOperation>()
  for (const route of routes) {
    if (!isOffered(route)) continue
    const operation = describeTool(route)
    const { name } = operation.tool
    if (tools.has(name)) throw new Error(`Two operations are the tool ${name}`)
    tools.set(name, operation)
  }
  return tools
}

/**
 * No tool is made of what the OpenAPI document does not show, of what takes files or answers with
 * nothing but a stream or a file, of signing in, or of what strangers may send: its sender signs that
 * instead of saying who they are.
 */
function isOffered({ method, url, guard, schema }: KnownRoute): boolean {
  if (!methods.has(method) || schema?.hide === true || schema?.operationId === undefined)
    return false
  if (guard === 'sign-in' || (guard === 'public' && isChange(method, url))) return false
  if (schema.consumes?.includes('multipart/form-data') === true) return false
  return !answersOnlyStreams(schema.response)
}

const unreadable: ReadonlySet<string> = new Set([
  'text/event-stream',
  'application/gzip',
  'application/octet-stream',
  'application/zip',
])

function answersOnlyStreams(responses: unknown): boolean {
  const types = Object.entries((responses ?? {}) as Record<string, { content?: object }>)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, { content }]) => Object.keys(content ?? { 'application/json': {} }))
  return types.length > 0 && types.every((type) => unreadable.has(type))
}

function describeTool({ method, url, guard, schema }: KnownRoute): ToolOperation {
  const { operationId = '', summary = operationId, description } = schema ?? {}
  const inputs = mergeInputs(schema ?? {})
  return {
    method: method as ToolOperation['method'],
    url,
    guard,
    inputs,
    tool: {
      name: snakeCase(operationId),
      title: summary,
      description: [`${summary}.`, description].filter(Boolean).join('\n\n'),
      inputSchema: inputs.schema as Tool['inputSchema'],
      annotations: hints(method, url),
    },
  }
}

function snakeCase(operationId: string): string {
  return operationId.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Nothing is said to be harmless that may not be: what is left out here counts as destructive. */
function hints(method: string, url: string): Tool['annotations'] {
  if (!isChange(method, url)) return { readOnlyHint: true }
  if (method === 'DELETE')
    return { readOnlyHint: false, destructiveHint: true, idempotentHint: true }
  if (method === 'PUT') return { readOnlyHint: false, idempotentHint: true }
  return { readOnlyHint: false }
}
