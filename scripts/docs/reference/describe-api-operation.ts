import { buildErrorTypes } from '@slipway/contract/build-errors'
import { errorCodes } from '@slipway/contract/vocabulary'
import { STATUS_CODES } from 'node:http'
import {
  cell,
  code,
  defaultOf,
  describeType,
  fieldTable,
  type LinkToType,
  nameOf,
  table,
} from './describe-schema.ts'
import type { ApiAnswer, ApiDocument, ApiOperation, ApiSchema } from './read-contract.ts'
import type { PlacedOperation } from './reference-types.ts'
import { sampleOf } from './sample-of.ts'

type Types = ApiDocument['components']['schemas']

/** The part of a page that tells of one operation. */
export function describeApiOperation(
  { method, path, operation }: PlacedOperation,
  types: Types,
  link: LinkToType,
): string {
  const parts = [
    `### ${operation.summary}`,
    `${code(`${method} ${path}`)} · ${code(operation.operationId)}${security(operation)}`,
    operation.description ?? '',
    parameters(operation, link),
    body(operation, types, link),
    answers(operation, path, types, link),
    example({ method, path, operation }, types),
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n\n`
}

/** What opens it besides a bearer token. */
function security({ security: ways }: ApiOperation): string {
  const named = ways.flatMap((way) => Object.keys(way))
  if (ways.length === 0) return ' · no credential needed'
  const words: Readonly<Record<string, string>> = {
    bearer: 'token',
    session: 'session',
    ticket: 'ticket',
    password: 'password',
  }
  const taken = named.map((name) => words[name] ?? name)
  return ` · by ${taken.join(', ')}${named.length < ways.length ? ', or a way that the text names' : ''}`
}

function parameters({ parameters: all = [] }: ApiOperation, link: LinkToType): string {
  if (all.length === 0) return ''
  const rows = all.map((parameter) => [
    code(parameter.name),
    parameter.in,
    describeType(parameter.schema, link),
    parameter.required === true ? 'yes' : '',
    cell(
      [parameter.description ?? parameter.schema.description ?? '', defaultOf(parameter.schema)]
        .filter(Boolean)
        .join(' '),
    ),
  ])
  return table(['Parameter', 'In', 'Type', 'Needed', 'Meaning'], rows)
}

function body({ requestBody }: ApiOperation, types: Types, link: LinkToType): string {
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? []
  if (type === undefined || content === undefined) return ''
  const name = nameOf(content.schema)
  const schema = name === null ? content.schema : (types[name] ?? {})
  const fields = fieldTable(schema, link).replace('| Always |', '| Needed |')
  const title = name === null ? '' : `, ${link(name)}`
  const form = type === 'application/json' ? '' : ` as ${code(type)}`
  return `**Body**${form}${title}${fields === '' ? '' : `\n\n${fields}`}`
}

function answers(
  { responses }: ApiOperation,
  path: string,
  types: Types,
  link: LinkToType,
): string {
  const rows = Object.entries(responses).map(([status, answer]) => [
    code(status),
    cell(answer.description),
    contentOf(answer, path, Number(status), link),
  ])
  const own = Object.entries(responses).flatMap(([status, answer]) => {
    const schema = answer.content?.['application/json']?.schema
    if (schema === undefined || Number(status) >= 400) return []
    const name = nameOf(schema)
    // What has a place of its own is linked.
    if (name !== null && link(name).startsWith('[')) return []
    const fields = fieldTable(name === null ? schema : (types[name] ?? {}), link)
    return fields === '' ? [] : [`**Answer** ${code(status)}\n\n${fields}`]
  })
  return [table(['Status', 'When', 'What'], rows), ...own].join('\n\n')
}

function contentOf(answer: ApiAnswer, path: string, status: number, link: LinkToType): string {
  const [type, content] = Object.entries(answer.content ?? {})[0] ?? []
  if (type === undefined || content === undefined) return ''
  const word = status < 400 ? null : errorWordOf(path, status)
  if (word !== null && isErrorBody(content.schema)) return code(word)
  if (type !== 'application/json') return code(type)
  return cell(describeType(content.schema, link))
}

const errorBodies = ['PlatformError', 'BuildApiError', 'StatusError', 'RunnerApiError']

function isErrorBody(schema: ApiSchema): boolean {
  return errorBodies.includes(nameOf(schema) ?? '')
}

/** The code, or the kind of error, that a family's body has with this status. */
export function errorWordOf(path: string, status: number): string {
  const known = Object.entries(errorCodes).find(([, of]) => of === status)?.[0]
  const word = known as keyof typeof errorCodes | undefined
  if (path.startsWith('/api/v2/pipelines/')) return STATUS_CODES[status] ?? String(status)
  if (word === undefined) return String(status)
  const isOfBuilds = path.startsWith('/api/') && !/^\/api\/(jobs|runners|metrics)\b/.test(path)
  return isOfBuilds ? buildErrorTypes[word] : word
}

function example({ method, path, operation }: PlacedOperation, types: Types): string {
  const answer = Object.entries(operation.responses).find(([status]) => Number(status) < 300)
  const schema = answer?.[1].content?.['application/json']?.schema
  const shown = schema === undefined ? undefined : sampleOf(schema, types)
  const text =
    answer === undefined || shown === undefined
      ? ''
      : `\n\n${code(answer[0])}:\n\n\`\`\`json\n${JSON.stringify(shown, null, 2)}\n\`\`\``
  return `**Example**\n\n\`\`\`sh\n${request({ method, path, operation }, types)}\n\`\`\`${text}`
}

function request({ method, path, operation }: PlacedOperation, types: Types): string {
  const inPath = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const found = operation.parameters?.find((one) => one.in === 'path' && one.name === name)
    return encodeURIComponent(String(sampleOf(found?.schema ?? {}, types, { name })))
  })
  const query = (operation.parameters ?? [])
    .filter((one) => one.in === 'query' && one.required === true)
    .map((one) => `${one.name}=${String(sampleOf(one.schema, types, { name: one.name }))}`)
    .join('&')
  const url = `http://127.0.0.1:3000${inPath}${query === '' ? '' : `?${query}`}`
  const lines = [`curl${method === 'GET' ? '' : ` -X ${method}`} '${url}'`]
  if (operation.security.length > 0) lines.push('-H "Authorization: Bearer $SLIPWAY_TOKEN"')
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? []
  if (type !== undefined && content !== undefined) {
    const sample = sampleOf(content.schema, types, { only: 'required' }) as object
    if (type === 'application/json') {
      lines.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(sample))}`)
    } else {
      const fields = Object.entries(sample) as [string, unknown][]
      lines.push(...fields.map(([name, value]) => `-F ${quote(`${name}=${String(value)}`)}`))
    }
  }
  return lines.join(' \\\n  ')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`
}
