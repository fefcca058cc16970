import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { codeSpans, fencedBlocks, repositoryRoot } from '../support/markdown.ts'
import { connectMcp } from '../support/mcp-client.ts'
import { temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// What docs/mcp.md shows, as it is shown.

interface Entry {
  command?: string
  args?: string[]
  env?: Record<string, string>
  url?: string
  headers?: Record<string, string>
}

let server: TestServer
let text: string
let entries: { slipway: Entry; serena?: Entry }[]
beforeAll(async () => {
  server = await startTestServer()
  text = await readFile(join(repositoryRoot, 'docs/mcp.md'), 'utf8')
  entries = fencedBlocks(text)
    .filter(({ language }) => language === 'json')
    .map(({ content }) => (JSON.parse(content) as { mcpServers: (typeof entries)[0] }).mcpServers)
})
afterAll(() => server.close())

/** With this server and this token in the place of the page's. */
const fill = (value: string) =>
  value.replace('http://127.0.0.1:3000', server.url).replace('slw_…', server.token)

function createClient(): Client {
  const client = new Client({ name: 'test', version: '0' })
  onTestFinished(() => client.close())
  return client
}

it('starts Slipway as a command, beside Serena', async () => {
  const { slipway, serena } = entries[0] ?? { slipway: {} }
  expect(serena?.args).toContain('start-mcp-server')
  const client = createClient()
  const env = Object.entries(slipway.env ?? {}).map(([name, value]) => [name, fill(value)])
  await client.connect(
    new StdioClientTransport({
      command: join(repositoryRoot, 'node_modules/.bin', slipway.command ?? ''),
      args: slipway.args ?? [],
      env: {
        PATH: process.env.PATH ?? '',
        HOME: await temporaryDirectory(),
        ...Object.fromEntries(env),
      },
    }),
  )
  expect((await client.listTools()).tools.length).toBeGreaterThan(0)
})

it('reaches Slipway over HTTP', async () => {
  const { url = '', headers = {} } = entries[1]?.slipway ?? {}
  const client = createClient()
  const authorization = fill(headers['Authorization'] ?? '')
  await client.connect(
    new StreamableHTTPClientTransport(new URL(fill(url)), {
      requestInit: { headers: { authorization } },
    }),
  )
  expect((await client.listTools()).tools.length).toBeGreaterThan(0)
})

it('names tools that there are', async () => {
  const client = await connectMcp(server.url, server.token)
  const known = (await client.listTools()).tools.map(({ name }) => name)
  const named = codeSpans(text).filter((code) => /^[a-z]+(_[a-z]+)+$/.test(code))
  const argument = new Set(['commit_sha'])
  expect(named).toContain('get_step_log')
  expect(named.filter((name) => !known.includes(name) && !argument.has(name))).toEqual([])
})
