import type { Client } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { callTool, connectMcp, refusalOf } from '../support/mcp-client.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// The real server and the official SDK's client: a run from its start to its log.

let server: TestServer
let repository: TestRepository
beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_ALLOW_UNISOLATED: 'true' })
  repository = await createRepository(server.repositories, 'acme/shop')
})
afterAll(() => server.close())

interface Run {
  id: string
  status: string
  phases: { tasks: { steps: { id: string }[] }[] }[]
}

async function tokenFor(name: string, more: object): Promise<string> {
  const { token } = await server.json<{ token: string }>('POST', '/v1/tokens', {
    body: { name, ...more },
  })
  return token
}

async function startRun(client: Client, script: string): Promise<Run> {
  const commit = await repository.commit(oneProject([{ name: 'unit', run: script }]))
  return callTool<Run>(client, 'create_run', {
    repository: 'acme/shop',
    branch: 'main',
    commit_sha: commit,
    trigger_type: 'manual',
    triggered_by: 'mcp',
  })
}

async function finished(client: Client, id: string): Promise<Run> {
  await expect
    .poll(() => callTool<Run>(client, 'get_run', { id }).then(({ status }) => status), {
      timeout: 20_000,
    })
    .toMatch(/^(success|failed)$/)
  return callTool<Run>(client, 'get_run', { id })
}

const stepOf = (run: Run) => run.phases[0]?.tasks[0]?.steps[0]?.id ?? ''

async function logOf(client: Client, given: Record<string, unknown>): Promise<string> {
  const { content, isError } = await client.callTool({ name: 'get_step_log', arguments: given })
  expect(isError).toBeUndefined()
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('|')
}

describe.each(['legacy', 'auto'] as const)('an MCP client (%s)', (generation) => {
  it('starts a run, waits for it and reads its log', async () => {
    const developer = await tokenFor(`developer ${generation}`, { roles: ['developer'] })
    const client = await connectMcp(server.url, developer, generation)
    const { id } = await startRun(client, `echo made by ${generation}; seq 1 5`)
    const run = await finished(client, id)
    expect(run.status).toBe('success')
    const step = stepOf(run)
    expect(await logOf(client, { id: step })).toBe(`made by ${generation}\n1\n2\n3\n4\n5\n`)
    expect(await logOf(client, { id: step, tail: 2 })).toBe('4\n5\n')
    expect(await logOf(client, { id: step, after: 4, tail: 1 })).toBe('5\n')
  })

  it('is given the beginning of a log that is long, and how to read on', async () => {
    const client = await connectMcp(server.url, server.token, generation)
    const { id } = await startRun(client, 'seq -f "%07g" 1 200000')
    const log = await logOf(client, { id: stepOf(await finished(client, id)) })
    const [beginning = '', note] = log.split('|')
    expect(beginning.startsWith('0000001\n')).toBe(true)
    expect(beginning).toHaveLength(1_048_576)
    expect(note).toBe(
      'The answer is longer: these are its first 1048576 bytes. Ask for another part by tail, after.',
    )
  })
})

describe('a token', () => {
  it('with fewer roles has fewer tools, and no others by guessing', async () => {
    const admin = await connectMcp(server.url, server.token)
    const viewer = await connectMcp(server.url, await tokenFor('viewer', { roles: ['viewer'] }))
    const names = async (client: Client) => (await client.listTools()).tools.map(({ name }) => name)
    const [all, some] = await Promise.all([names(admin), names(viewer)])
    expect(all).toEqual(expect.arrayContaining(['create_run', 'create_token', 'get_run']))
    expect(all).toEqual(expect.arrayContaining(some))
    expect(some).toContain('get_run')
    expect(
      some.filter((name) => /^(create|cancel|put|delete|update)_(?!ticket)/.test(name)),
    ).toEqual([])
    expect(await refusalOf(viewer, 'create_run', {})).toMatchObject({
      error: { code: 'authorization_failed', details: { permission: 'runs:create' } },
    })
  })

  it('that is limited to repositories sees no others', async () => {
    const admin = await connectMcp(server.url, server.token)
    const { id } = await startRun(admin, 'true')
    const limited = { roles: ['developer'], repositories: ['acme/other'] }
    const client = await connectMcp(server.url, await tokenFor('limited', limited))
    expect(await refusalOf(client, 'get_run', { id })).toMatchObject({
      error: { code: 'resource_not_found' },
    })
    expect(await refusalOf(client, 'list_runs', { repository: 'acme/shop' })).toMatchObject({
      error: { code: 'authorization_failed' },
    })
    const search = await callTool<{ results: unknown[] }>(client, 'search', { q: 'shop' })
    expect(search.results).toEqual([])
  })

  it('that is revoked ends what its client could do', async () => {
    const made = await server.json<{ id: string; token: string }>('POST', '/v1/tokens', {
      body: { name: 'revoked', roles: ['viewer'] },
    })
    const client = await connectMcp(server.url, made.token)
    await client.listTools()
    await server.json('DELETE', `/v1/tokens/${made.id}`, { expect: 204 })
    await expect(client.listTools()).rejects.toMatchObject({ status: 401 })
  })
})

it('needs no session: a client goes on when the server has been started anew', async () => {
  const client = await connectMcp(server.url, server.token)
  await client.listTools()
  const { port } = new URL(server.url)
  await server.stop()
  await server.restart({ PORT: port })
  expect((await client.listTools()).tools.length).toBeGreaterThan(0)
})
