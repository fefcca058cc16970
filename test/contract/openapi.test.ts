import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isForServers, routeGuards } from '../../packages/server/src/http/route-permissions.ts'
import { type TestApp, createTestApp } from '../support/http.ts'

interface Operation {
  operationId?: string
  summary?: string
  tags?: string[]
  description?: string
  security?: Record<string, string[]>[]
  parameters?: { name: string; in: string; schema: object; required?: boolean }[]
  requestBody?: object
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> }
  tags: { name: string }[]
}

let test: TestApp
let document: Document
let contentType: unknown
let operations: { path: string; method: string; operation: Operation }[]

beforeAll(async () => {
  test = await createTestApp()
  const answer = await test.request('GET', '/openapi.json', { token: null })
  contentType = answer.headers['content-type']
  document = answer.json()
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
})
afterAll(() => test.close())

describe('GET /openapi.json', () => {
  it('is a valid OpenAPI 3.1 document', async () => {
    expect(contentType).toBe('application/json; charset=utf-8')
    expect(document.openapi).toBe('3.1.0')
    const result = await new Validator().validate({ ...structuredClone(document) })
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBe(true)
  })

  it('has every route, but for an alias and the ones of itself, of the dashboard, of workers on other machines and other servers, and of git, OCI, MCP and socket.io clients', () => {
    const shown = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`)
    const expected = Object.entries(routeGuards)
      .filter(([, guard]) => guard !== 'workers:work' && !isForServers(guard))
      .map(([entry]) => entry)
      .map((entry) => entry.replaceAll(/:(\w+)/g, '{$1}'))
      .filter((entry) => / \/(v1|api|health|livez|readyz)\b/.test(entry))
    expect(shown.toSorted()).toEqual(expected.toSorted())
  })

  it('names, sums up and sorts every operation, each under a name of its own', () => {
    const known = new Set(document.tags.map(({ name }) => name))
    for (const { path, method, operation } of operations) {
      expect(operation.operationId, `${method} ${path}`).toMatch(/^[a-z][A-Za-z]+$/)
      expect(operation.summary, `${method} ${path}`).toBeTruthy()
      expect(
        operation.tags?.every((tag) => known.has(tag)),
        `${method} ${path}`,
      ).toBe(true)
    }
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('says of every operation below /v1 how to authenticate and how it can be refused', () => {
    for (const { path, method, operation } of operations) {
      if (!path.startsWith('/v1') || path.endsWith('/webhooks/github')) continue
      const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1')
      const isWayIn = routeGuards[`${method.toUpperCase()} ${pattern}`] === 'sign-in'
      if (isWayIn) expect(operation.security, path).toEqual([])
      else expect(operation.security, path).toContainEqual({ bearer: [] })
      for (const status of isWayIn ? ['429', '500'] : ['401', '429', '500']) {
        expect(
          operation.responses[status]?.content?.['application/json']?.schema,
          `${method} ${path} ${status}`,
        ).toEqual({ $ref: '#/components/schemas/PlatformError' })
      }
    }
    expect(document.paths['/v1/tokens']?.['post']?.description).toContain('`tokens:manage`')
    expect(document.paths['/v1/runs']?.['post']?.security).toContainEqual({ session: [] })
    expect(document.paths['/v1/events']?.['get']?.security).toContainEqual({ ticket: [] })
    expect(document.paths['/v1/runs']?.['post']?.security).not.toContainEqual({ ticket: [] })
    expect(document.paths['/v1/steps/{id}/logs']?.['get']?.security).toContainEqual({})
    expect(document.paths['/health']?.['get']?.security).toEqual([])
  })

  it('refers to the named schemas of the contract', () => {
    const create = document.paths['/v1/tokens']?.['post']
    expect(create?.requestBody).toMatchObject({
      content: {
        'application/json': { schema: { $ref: '#/components/schemas/CreateTokenRequest' } },
      },
    })
    expect(create?.responses['201']?.content).toEqual({
      'application/json': { schema: { $ref: '#/components/schemas/CreatedToken' } },
    })
    expect(create?.responses['409']?.description).toBe('A valid token already has this name.')
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining([
        'Run',
        'Phase',
        'Task',
        'Step',
        'Token',
        'PlatformError',
        'AuditEntry',
      ]),
    )
    expect(
      Object.keys(document.components.schemas).filter((name) => /^Schema\d/.test(name)),
    ).toEqual([])
    expect(JSON.stringify(document)).not.toContain('allOf')
  })

  it('shows query parameters with their limits', () => {
    expect(document.paths['/v1/tokens']?.['get']?.parameters).toContainEqual({
      name: 'limit',
      in: 'query',
      required: false,
      description: 'Results per page.',
      schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
    })
  })
})

describe('GET /docs', () => {
  it('is a page that loads nothing from elsewhere and runs no script of its own', async () => {
    const page = await test.request('GET', '/docs', { token: null })
    expect(page.statusCode).toBe(200)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(page.body).not.toMatch(/https?:\/\//)
    expect(page.body).not.toMatch(/<script>/)
    for (const [, file] of page.body.matchAll(/(?:src|href)="docs\/([^"]+)"/g)) {
      const asset = await test.request('GET', `/docs/${file}`, { token: null })
      expect(asset.statusCode, file).toBe(200)
      expect(asset.rawPayload.length, file).toBeGreaterThan(0)
      expect(asset.headers['x-content-type-options'], file).toBe('nosniff')
    }
  })

  it('gives out no other files', async () => {
    for (const file of ['package.json', '..%2Fpackage.json', '%2e%2e%2findex.js', 'constructor']) {
      const answer = await test.request('GET', `/docs/${file}`, { token: null })
      expect(answer.statusCode, file).toBe(404)
    }
  })
})
