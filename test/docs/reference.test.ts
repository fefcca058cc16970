import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildErrorTypes } from '@slipway/contract/build-errors'
import { errorCodes } from '@slipway/contract/vocabulary'
import { eventSchemas } from '@slipway/contract/events'
import { pipelineEvents } from '@slipway/contract/pipeline-socket'
import { Ajv } from 'ajv'
import formatsPlugin from 'ajv-formats'
import { beforeAll, describe, expect, it } from 'vitest'
import { errorWordOf } from '../../scripts/docs/reference/describe-api-operation.ts'
import {
  type ApiDocument,
  type ApiOperation,
  readContract,
} from '../../scripts/docs/reference/read-contract.ts'
import { sampleOf } from '../../scripts/docs/reference/sample-of.ts'
import { generateReference } from '../../scripts/generate-reference.ts'
import { codeSpans, repositoryRoot } from '../support/markdown.ts'

let document: ApiDocument
let pages: Map<string, string>
/** The part of a page about each operation, by `METHOD /path`. */
let parts: Map<string, string>
let operations: { name: string; path: string; operation: ApiOperation }[]

beforeAll(async () => {
  document = await readContract()
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  )
  const folder = join(repositoryRoot, 'docs/reference')
  const names = await readdir(folder)
  pages = new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
    ),
  )
  parts = new Map()
  for (const [name, text] of pages) {
    if (name === 'README.md') continue
    for (const part of text.split(/^### /m)) {
      const route = /^`([A-Z]+ \/\S*)` · /m.exec(part)?.[1]
      if (route !== undefined) parts.set(route, (parts.get(route) ?? '') + part)
    }
  }
})

const page = (name: string) => pages.get(name) ?? ''

describe('the reference', () => {
  it('is what the contract says now', async () => {
    const made = await generateReference()
    expect(Object.keys(made).toSorted()).toEqual(
      [...pages.keys()].map((name) => `docs/reference/${name}`).toSorted(),
    )
    for (const [path, text] of Object.entries(made)) {
      expect(page(path.replace('docs/reference/', '')) === text, `${path} has drifted`).toBe(true)
    }
  })

  it('has pages that can be read', () => {
    for (const [name, text] of pages) expect(text.length, name).toBeLessThan(80_000)
  })

  it('has every operation, its permission, parameters, answers and errors, and an example', () => {
    expect(operations.length).toBeGreaterThan(130)
    expect([...parts.keys()].toSorted()).toEqual(operations.map(({ name }) => name).toSorted())
    for (const { name, path, operation } of operations) {
      const part = parts.get(name) ?? ''
      const spans = codeSpans(part)
      expect(spans, name).toContain(operation.operationId)
      const permission = /`[\w-]+:[\w-]+`/.exec(operation.description ?? '')?.[0]
      if (permission !== undefined) expect(part, name).toContain(permission)
      for (const parameter of operation.parameters ?? []) {
        expect(part, name).toContain(`| \`${parameter.name}\` | ${parameter.in} |`)
      }
      for (const [status, { content }] of Object.entries(operation.responses)) {
        expect(part, name).toContain(`| \`${status}\` |`)
        const isError = Number(status) >= 400 && content?.['application/json'] !== undefined
        if (isError && status !== '503') expect(spans).toContain(errorWordOf(path, Number(status)))
      }
      expect(part, name).toContain('```sh\ncurl')
    }
  })

  it('has every field of every body and of every named type', () => {
    const schemas = Object.entries(document.components.schemas)
    expect(schemas.length).toBeGreaterThan(150)
    const all = [...pages.values()].join('\n')
    for (const [name, { properties }] of schemas) {
      for (const field of Object.keys(properties ?? {})) {
        if (/^(PlatformError|BuildApiError|StatusError|RunnerApiError)$/.test(name)) continue
        expect(all, `${name}.${field}`).toContain(`| \`${field}\` |`)
      }
    }
  })

  it('has every event with each field of its data', () => {
    const sections = page('events.md').split(/^### /m)
    for (const [type, schema] of Object.entries(eventSchemas)) {
      const section = sections.find((text) => text.startsWith(`${type}\n`)) ?? ''
      const { properties } = schema.properties.data
      for (const field of Object.keys(properties)) {
        expect(section, type).toContain(`| \`${field}\` |`)
      }
    }
  })

  it('has every code of an error, in the words of each family', () => {
    for (const [word, status] of Object.entries(errorCodes)) {
      expect(page('errors.md')).toContain(`| \`${status}\` | \`${word}\` |`)
    }
    for (const word of Object.values(buildErrorTypes)) expect(page('errors.md')).toContain(word)
  })

  it('has every event and message of the sockets', () => {
    const spans = codeSpans(page('sockets.md'))
    for (const [name, schema] of Object.entries(pipelineEvents)) {
      expect(page('sockets.md')).toContain(`#### ${name}\n`)
      expect(spans).toEqual(expect.arrayContaining(Object.keys(schema.properties)))
    }
    expect(spans).toEqual(
      expect.arrayContaining([
        'phase2.subscribe',
        'phase2.channels',
        'phase2.subscriptions',
        'pong',
        'status',
        'log',
        'step',
        'output',
        'end',
        'job:delegated',
        'job:status',
        'subscribe:repository',
      ]),
    )
  })
})

describe('an example', () => {
  it('is what the contract allows', { timeout: 120_000 }, () => {
    const ajv = new Ajv({ strict: false, allErrors: true })
    formatsPlugin.default(ajv)
    ajv.addFormat('binary', true)
    ajv.addSchema({ $id: 'doc', components: document.components })
    const check = (schema: object, value: unknown, name: string) => {
      const text = JSON.stringify(schema).replaceAll('"#/components', '"doc#/components')
      const validate = ajv.compile(JSON.parse(text) as object)
      validate(value)
      expect(validate.errors ?? [], `${name}: ${JSON.stringify(value)}`).toEqual([])
    }
    const types = document.components.schemas
    for (const { name, operation } of operations) {
      const body = operation.requestBody?.content['application/json']?.schema
      if (body !== undefined) check(body, sampleOf(body, types, { only: 'required' }), name)
      for (const [status, { content }] of Object.entries(operation.responses)) {
        const schema = content?.['application/json']?.schema
        if (schema !== undefined) check(schema, sampleOf(schema, types), `${name} ${status}`)
      }
    }
    for (const [type, schema] of Object.entries(eventSchemas)) {
      check(
        JSON.parse(JSON.stringify(schema).replaceAll('"$id"', '"title"')) as object,
        sampleOf(schema, {}),
        type,
      )
    }
  })
})
