import type { AddressInfo } from 'node:net'
import { Ajv2020 } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { permissionsOfRole } from '../../packages/server/src/access/permissions.ts'
import { permissionOf, routeGuards } from '../../packages/server/src/http/route-permissions.ts'
import { type TestApp, createTestApp } from '../support/http.ts'
import { callTool, connectMcp, refusalOf } from '../support/mcp-client.ts'

interface Operation {
  operationId: string
  summary: string
  parameters?: { name: string; in: string; required?: boolean }[]
}

/** Streams, files, signing in, and what GitHub signs. */
const noTools = [
  'followEvents',
  'downloadBuildOutput',
  'uploadBrandingAsset',
  'downloadBrandingAsset',
  'exportBrandingTemplate',
  'importBrandingTemplate',
  'createSession',
  'endSession',
  'beginSignIn',
  'finishSignIn',
  'getSignInConfiguration',
  'exchangeGithubActionsToken',
  'receiveGithubDelivery',
  'receiveGithubDeliveryOfPipelines',
  'receiveGithubDeliveryOfBuilds',
]

let test: TestApp
let url: string
let operations: { entry: string; method: string; operation: Operation; tool: string }[]

beforeAll(async () => {
  test = await createTestApp()
  await test.app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(test.app.server.address() as AddressInfo).port}`
  const answer = await test.request('GET', '/openapi.json')
  const { paths } = answer.json<{ paths: Record<string, Record<string, Operation>> }>()
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      entry: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      method,
      operation,
      tool: operation.operationId.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    })),
  )
})
afterAll(() => test.close())

const message = (method: string, params: object = {}) => ({ jsonrpc: '2.0', id: 1, method, params })
const post = (body: unknown, options: { token?: string | null; headers?: object } = {}) =>
  test.request('POST', '/mcp', {
    body,
    ...(options.token === undefined ? {} : { token: options.token }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...options.headers,
    },
  })

describe('the tools', () => {
  it('are the operations of the OpenAPI document, each of them, and nothing else', async () => {
    const { tools } = await (
      await connectMcp(url, await test.tokenFor(['admin', 'service-account']))
    ).listTools()
    const expected = operations.filter(({ operation }) => !noTools.includes(operation.operationId))
    expect(tools.map(({ name }) => name).toSorted()).toEqual(
      expected.map(({ tool }) => tool).toSorted(),
    )
    expect(expected.length).toBe(operations.length - noTools.length)
  })

  it('say what the operations say, and whether they change anything', async () => {
    const { tools } = await (
      await connectMcp(url, await test.tokenFor(['admin', 'service-account']))
    ).listTools()
    const byName = new Map(tools.map((tool) => [tool.name, tool]))
    for (const { tool: name, operation, method } of operations) {
      const tool = byName.get(name)
      if (noTools.includes(operation.operationId)) continue
      expect(tool?.title, name).toBe(operation.summary)
      expect(tool?.name, name).toMatch(/^[a-z][a-z_]{0,62}$/)
      if (method === 'get') expect(tool?.annotations?.readOnlyHint, name).toBe(true)
      if (method === 'delete') expect(tool?.annotations?.destructiveHint, name).toBe(true)
      if (method === 'put') expect(tool?.annotations?.idempotentHint, name).toBe(true)
      if (method !== 'get' && name !== 'preview_deployment') {
        expect(tool?.annotations?.readOnlyHint, name).toBe(false)
      }
      for (const parameter of operation.parameters ?? []) {
        if (['follow', 'expires', 'signature'].includes(parameter.name)) continue
        expect(tool?.inputSchema.properties, name).toHaveProperty(parameter.name)
        if (parameter.required === true) {
          expect(tool?.inputSchema.required, name).toContain(parameter.name)
        }
      }
    }
  })

  it('take arguments by valid schemas that refer to nothing outside themselves', async () => {
    const { tools } = await (await connectMcp(url, test.token)).listTools()
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false })
    ajvFormats.default(ajv)
    for (const { name, inputSchema } of tools) {
      expect(inputSchema.type, name).toBe('object')
      expect(JSON.stringify(inputSchema), name).not.toMatch(/"\$(ref|id)"/)
      expect(ajv.validateSchema(inputSchema), name).toBe(true)
      expect(() => ajv.compile(inputSchema), name).not.toThrow()
    }
  })

  it.each(Object.entries(permissionsOfRole))('of a %s are those it may use', async (role, has) => {
    const { tools } = await (await connectMcp(url, await test.tokenFor([role]))).listTools()
    const allowed = operations.filter(({ entry, operation }) => {
      if (noTools.includes(operation.operationId)) return false
      const guard = routeGuards[entry]
      const permission = guard === undefined ? null : permissionOf(guard)
      return permission === null || has.has(permission)
    })
    expect(tools.map(({ name }) => name).toSorted()).toEqual(
      allowed.map(({ tool }) => tool).toSorted(),
    )
  })
})

describe.each(['legacy', 'auto'] as const)('a call (%s)', (generation) => {
  it('is the operation, its answer in structure and in text', async () => {
    const client = await connectMcp(url, test.token, generation)
    expect(client.getNegotiatedProtocolVersion()).toBe(
      generation === 'auto' ? '2026-07-28' : '2025-11-25',
    )
    const name = `made by ${generation}`
    const made = await client.callTool({
      name: 'create_token',
      arguments: { name, roles: ['viewer'] },
    })
    const [text] = made.content
    expect(JSON.parse(text?.type === 'text' ? text.text : '')).toEqual(made.structuredContent)
    const { id } = made.structuredContent as { id: string }
    const { tokens } = await callTool<{ tokens: { id: string; name: string }[] }>(
      client,
      'list_tokens',
    )
    expect(tokens).toContainEqual(expect.objectContaining({ id, name }))
    const revoked = await client.callTool({ name: 'revoke_token', arguments: { id } })
    expect(revoked).toMatchObject({ content: [{ type: 'text', text: 'Done (204).' }] })
    expect(revoked.structuredContent).toBeUndefined()
  })

  it('is in the audit log as the operation, by whom it was, and nothing else is', async () => {
    const name = `auditor of ${generation}`
    const { token } = (
      await test.request('POST', '/v1/tokens', { body: { name, roles: ['admin'] } })
    ).json()
    const client = await connectMcp(url, token, generation)
    await client.listTools()
    await callTool(client, 'list_tokens')
    await refusalOf(client, 'revoke_token', { id: '0198c5a2-8d4e-7c3a-9f10-000000000001' })
    const { entries } = await callTool<{ entries: { actor: string }[] }>(client, 'list_audit')
    expect(entries.filter(({ actor }) => actor === name)).toEqual([
      expect.objectContaining({
        action: 'DELETE /v1/tokens/:id',
        resource: '/v1/tokens/0198c5a2-8d4e-7c3a-9f10-000000000001',
        outcome: 404,
        address: '127.0.0.1',
      }),
    ])
  })

  it('without permission is refused as over HTTP', async () => {
    const client = await connectMcp(url, await test.tokenFor(['viewer']), generation)
    expect(await refusalOf(client, 'list_tokens')).toEqual({
      error: {
        code: 'authorization_failed',
        message: 'This needs the permission tokens:manage',
        details: { permission: 'tokens:manage' },
      },
    })
  })

  it('with wrong arguments is told all that is wrong with them', async () => {
    const client = await connectMcp(url, test.token, generation)
    expect(await refusalOf(client, 'create_token', { roles: ['king'] })).toMatchObject({
      error: {
        code: 'invalid_request',
        details: {
          problems: expect.arrayContaining([
            { path: '/name', message: 'is missing' },
            expect.objectContaining({ path: '/roles/0' }),
          ]),
        },
      },
    })
    expect(await refusalOf(client, 'get_run', { run: 'x' })).toEqual({
      error: {
        code: 'invalid_request',
        message: 'The arguments are not valid: /run is not known here (and 1 more)',
        details: {
          problems: [
            { path: '/run', message: 'is not known here' },
            { path: '/id', message: 'is missing' },
          ],
        },
      },
    })
  })

  it('leads to no other operation by a crooked path', async () => {
    const client = await connectMcp(url, test.token, generation)
    for (const id of ['..', '.', '../tokens', '%2e%2e', '']) {
      expect(await refusalOf(client, 'get_run', { id }), id).toMatchObject({
        error: { code: 'invalid_request' },
      })
    }
  })

  it('of no tool is an error of the protocol', async () => {
    const client = await connectMcp(url, test.token, generation)
    for (const name of ['follow_events', 'receive_github_delivery', 'getRun', 'constructor']) {
      await expect(client.callTool({ name })).rejects.toMatchObject({
        code: -32_602,
        message: `There is no tool ${name}`,
      })
    }
  })
})

describe('POST /mcp', () => {
  it.each([
    ['no token', null, 'This needs a bearer token'],
    [
      'an unknown token',
      `slw_${'a'.repeat(40)}`,
      'This token is unknown, expired or no longer valid',
    ],
  ])('with %s is refused', async (_what, token, text) => {
    const answer = await post(message('tools/list'), { token })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(answer.json()).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32_000, message: text, data: { code: 'authentication_failed' } },
    })
  })

  it('takes no ticket: a page could make a browser send it', async () => {
    const { ticket } = (await test.request('POST', '/v1/tickets')).json()
    const answer = await test.request('POST', `/mcp?ticket=${ticket}`, {
      token: null,
      body: message('tools/list'),
    })
    expect(answer.statusCode).toBe(401)
  })

  it('refuses what a page of another site sends, also by a name that leads here', async () => {
    for (const [origin, host] of [
      ['http://evil.test', '127.0.0.1'],
      ['http://evil.test', 'evil.test'],
      ['null', 'localhost'],
    ]) {
      const answer = await post(message('tools/list'), { headers: { origin, host } })
      expect(answer.statusCode, origin).toBe(403)
      expect(answer.json().error.data.code).toBe('authorization_failed')
    }
    const own = { origin: 'http://localhost', host: 'localhost' }
    expect((await post(message('tools/list'), { headers: own })).statusCode).toBe(200)
  })

  it.each([
    ['no JSON', '{', 400, -32_700],
    ['nothing', '', 400, -32_700],
    ['a batch', JSON.stringify([message('ping')]), 400, -32_600],
    ['no message', 'null', 400, -32_600],
    ['no request', '{"jsonrpc":"2.0","id":1}', 400, -32_600],
    ['a poisoned object', '{"__proto__":{}}', 400, -32_700],
    ['an unknown method', JSON.stringify(message('tools/none')), 200, -32_601],
    ['a call of nothing', JSON.stringify(message('tools/call')), 200, -32_602],
    [
      'arguments that are a list',
      JSON.stringify(message('tools/call', { name: 'get_run', arguments: [] })),
      200,
      -32_602,
    ],
  ])('refuses %s', async (_what, body, status, code) => {
    const answer = await post(body)
    expect(answer.json().error.code).toBe(code)
    expect(answer.statusCode).toBe(status)
  })

  it('takes JSON only', async () => {
    const answer = await post('x', { headers: { 'content-type': 'text/plain' } })
    expect(answer.statusCode).toBe(415)
    expect(answer.json().error.data.code).toBe('unsupported_media_type')
  })

  it('offers nothing to subscribe to', async () => {
    const client = await connectMcp(url, test.token, 'auto')
    await expect(client.listen({ toolsListChanged: true })).rejects.toThrow('limit reached')
    expect((await client.listTools()).tools.length).toBeGreaterThan(0)
  })

  it('is the only way in: no session is begun, resumed or ended', async () => {
    for (const method of ['GET', 'DELETE'] as const) {
      const answer = await test.request(method, '/mcp')
      expect(answer.statusCode).toBe(405)
      expect(answer.headers['allow']).toBe('POST')
    }
    const answer = await post(
      message('initialize', {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 't', version: '0' },
      }),
    )
    expect(answer.json().result).toMatchObject({
      protocolVersion: '2025-06-18',
      // Nothing is sent unasked.
      capabilities: { tools: { listChanged: false } },
      serverInfo: { name: 'slipway', version: '0.0.0' },
    })
    expect(answer.headers['mcp-session-id']).toBeUndefined()
  })

  it('is asked by whom a proxy says it is', async () => {
    const proxied = await createTestApp({ trustProxy: true })
    try {
      const answer = await proxied.request('POST', '/mcp', {
        headers: {
          accept: 'application/json, text/event-stream',
          'x-forwarded-for': '203.0.113.7',
          'x-request-id': 'the-request',
        },
        body: message('tools/call', {
          name: 'create_token',
          arguments: { name: 'far away', roles: ['viewer'] },
        }),
      })
      expect(answer.json().result.isError).toBeUndefined()
      const { entries } = (await proxied.request('GET', '/v1/audit')).json()
      expect(entries).toEqual([
        expect.objectContaining({
          action: 'POST /v1/tokens',
          address: '203.0.113.7',
          request_id: 'the-request',
        }),
      ])
    } finally {
      await proxied.close()
    }
  })

  it('counts calls as the requests that they make', async () => {
    const limited = await createTestApp({
      rateLimits: { windowMs: 60_000, perPrincipal: 3, failedPerAddress: 10 },
    })
    try {
      const token = limited.token
      const call = message('tools/call', { name: 'list_tokens', arguments: {} })
      const headers = { accept: 'application/json, text/event-stream' }
      const ask = () => limited.request('POST', '/mcp', { token, headers, body: call })
      expect((await ask()).json().result.isError).toBeUndefined()
      expect((await ask()).json().result).toMatchObject({
        isError: true,
        structuredContent: { error: { code: 'limit_exceeded' } },
      })
      const refused = await ask()
      expect(refused.statusCode).toBe(429)
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
      expect(refused.json().error.data.code).toBe('limit_exceeded')
    } finally {
      await limited.close()
    }
  })
})
