import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { callTool, connectMcp, type Generation, refusalOf } from '../support/mcp-client.ts'
import { runCli, temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// `slipway mcp` as an MCP client starts it: a process that is spoken to over its standard input and output.

const bin = fileURLToPath(new URL('../../packages/cli/bin/slipway.js', import.meta.url))

let server: TestServer
beforeAll(async () => void (server = await startTestServer()))
afterAll(() => server.close())

async function startMcp(token: string, generation: Generation = 'legacy') {
  const home = await temporaryDirectory()
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [bin, 'mcp'],
    cwd: home,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      SLIPWAY_URL: server.url,
      SLIPWAY_TOKEN: token,
    },
    stderr: 'pipe',
  })
  let errors = ''
  transport.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const client = new Client(
    { name: 'test', version: '0' },
    { versionNegotiation: { mode: generation } },
  )
  onTestFinished(() => client.close())
  await client.connect(transport)
  return { client, pid: transport.pid ?? 0, errors: () => errors }
}

async function tokenFor(name: string, roles: string[]) {
  return server.json<{ id: string; token: string }>('POST', '/v1/tokens', { body: { name, roles } })
}

describe.each(['legacy', 'auto'] as const)('slipway mcp (%s)', (generation) => {
  it('has the very tools that the server has for the token', async () => {
    const { token } = await tokenFor(`viewer ${generation}`, ['viewer'])
    const { client, errors } = await startMcp(token, generation)
    const direct = await connectMcp(server.url, token)
    const { tools } = await client.listTools()
    expect(tools).toEqual((await direct.listTools()).tools)
    expect(tools.map(({ name }) => name)).not.toContain('create_run')
    expect(client.getServerVersion()).toMatchObject({ name: 'slipway' })
    expect(client.getInstructions()).toBe(direct.getInstructions())
    expect(errors()).toBe('')
  })

  it('runs them with the rights of the token, and passes on what the server says', async () => {
    const { client } = await startMcp(server.token, generation)
    const name = `made over stdio by ${generation}`
    const made = await callTool<{ id: string }>(client, 'create_token', { name, roles: ['viewer'] })
    const { tokens } = await callTool<{ tokens: object[] }>(client, 'list_tokens')
    expect(tokens).toContainEqual(expect.objectContaining({ id: made.id, name }))
    expect(await refusalOf(client, 'create_run', { repository: 7 })).toMatchObject({
      error: {
        code: 'invalid_request',
        details: { problems: expect.arrayContaining([{ path: '/branch', message: 'is missing' }]) },
      },
    })
    await expect(client.callTool({ name: 'none' })).rejects.toMatchObject({
      code: -32_602,
      message: 'There is no tool none',
    })
  })
})

describe('slipway mcp', () => {
  it('tells of a token that is no longer valid, call by call', async () => {
    const { id, token } = await tokenFor('short-lived', ['viewer'])
    const { client } = await startMcp(token)
    await callTool(client, 'list_environments')
    await server.json('DELETE', `/v1/tokens/${id}`, { expect: 204 })
    expect(await refusalOf(client, 'list_environments')).toEqual({
      error: {
        code: 'authentication_failed',
        message: 'This token is unknown, expired or no longer valid',
      },
    })
  })

  it('goes on when the server was away for a while', async () => {
    const { client } = await startMcp(server.token)
    const { port } = new URL(server.url)
    await server.stop()
    expect(await refusalOf(client, 'get_health')).toMatchObject({
      error: { code: 'network_error' },
    })
    await server.restart({ PORT: port })
    expect(await callTool(client, 'get_health')).toMatchObject({ status: 'healthy' })
  })

  it('ends when its standard input does', async () => {
    const env = { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token }
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    expect(await runCli(['mcp'], { env })).toEqual({ code: 0, out: '', err: '' })
    const junk = await runCli(['mcp'], { env, input: `no JSON\n${JSON.stringify(ping)}\n` })
    expect(junk.code).toBe(0)
    for (const line of junk.out.split('\n').filter(Boolean)) {
      expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' })
    }
  })

  it('ends at a signal', async () => {
    const { client, pid } = await startMcp(server.token)
    const closed = new Promise<void>((resolve) => (client.onclose = () => resolve()))
    process.kill(pid, 'SIGTERM')
    await closed
  })

  it('says at once what keeps it from working, where people look for it', async () => {
    const unknown = { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: `slw_${'a'.repeat(40)}` }
    const refused = await runCli(['mcp'], { env: unknown })
    expect(refused).toMatchObject({ code: 4, out: '' })
    expect(refused.err).toContain('This token is unknown')
    expect(refused.err).toContain('slipway token create')
    expect(refused.err).not.toContain('slw_aaa')

    const without = await runCli(['mcp'], { env: { SLIPWAY_URL: server.url } })
    expect(without).toMatchObject({ code: 4, out: '' })
    expect(without.err).toContain('set SLIPWAY_TOKEN')

    const nobody = await runCli(['mcp'], { env: { SLIPWAY_URL: 'http://127.0.0.1:9' } })
    expect(nobody).toMatchObject({ code: 5, out: '' })
    expect(nobody.err).toContain('No answer from http://127.0.0.1:9')
  })
})
