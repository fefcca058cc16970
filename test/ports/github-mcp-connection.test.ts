// What becomes of the connection to GitHub's MCP server: servers over HTTP that do what ours for tests, which
// is made with the SDK, never would.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import {
  createMcpActions,
  type McpActionsOptions,
} from '../../packages/server/src/adapters/github/mcp/create-mcp-actions.ts'
import { createOctokitActions } from '../../packages/server/src/adapters/github/octokit/actions.ts'
import { callGitHub } from '../../packages/server/src/adapters/github/octokit/call-github.ts'
import type { GitHubActions } from '../../packages/server/src/ports/github-actions.ts'
import { toolsOf } from '../support/github/mcp-tools.ts'
import { startGitHubStandIn } from '../support/github/stand-in.ts'

const token = 'ghp_a_token_nobody_may_see'
const repository = 'acme/shop'
const never = new AbortController().signal
let rest: GitHubActions
let fallbacks: string[]
let lost: string[]

beforeEach(async () => {
  const standIn = await startGitHubStandIn({ token })
  onTestFinished(() => standIn.close())
  standIn.actions.addRepository(repository, { id: 77 })
  const credential = { kind: 'token', token } as const
  rest = createOctokitActions(callGitHub({ apiUrl: standIn.url, credential, version: '1.2.3' }))
})

interface Message {
  id?: number
  /** `DELETE` for the end of a session. */
  method: string
  headers: IncomingHttpHeaders
}
/** Whether it has answered; what it leaves is answered as it should be. */
type Behave = (message: Message, response: ServerResponse) => boolean

async function serveMcp(behave: Behave) {
  const seen: Message[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const { method: verb = '', headers } = request
      const body = verb === 'POST' ? ((await json(request)) as Omit<Message, 'headers'>) : null
      const message = { method: verb, ...body, headers }
      seen.push(message)
      if (behave(message, response)) return
      const result = resultOf(message.method)
      if (result === undefined) return void response.writeHead(202).end()
      response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'session-1' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
    })().catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` }
}

function resultOf(method: string): object | undefined {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'github', version: '1' },
      }
    case 'tools/list':
      return { tools: toolsOf('grouped') }
    case 'tools/call':
      return { content: [{ type: 'text', text: '{"total_count": 0, "workflows": []}' }] }
    default:
      return undefined
  }
}

function open(url: string, more: Partial<McpActionsOptions> = {}) {
  fallbacks = []
  lost = []
  const actions = createMcpActions({
    endpoint: { kind: 'http', url },
    token,
    apiUrl: 'https://api.github.com',
    rest,
    version: '1.2.3',
    firstPauseMs: 60_000,
    observe: {
      fallback: (operation, reason) => void fallbacks.push(`${operation}: ${reason}`),
      connected: () => {},
      lost: (why) => void lost.push(why),
    },
    ...more,
  })
  onTestFinished(() => actions.close())
  return actions
}

it.each(['initialize', 'notifications/initialized', 'tools/list'])(
  'gives up a server that never answers %s, and waits for it no second time',
  async (silent) => {
    const { seen, url } = await serveMcp(({ method }) => method === silent)
    const actions = open(url, { connectMs: 500, timeoutMs: 500 })
    expect(await actions.listWorkflows(repository, never)).toHaveLength(1)
    await expect.poll(() => lost).toHaveLength(1)
    expect(await actions.listWorkflows(repository, never)).toHaveLength(1)
    expect(fallbacks).toEqual(['listWorkflows: unreachable', 'listWorkflows: unreachable'])
    expect(seen.filter(({ method }) => method === 'initialize')).toHaveLength(1)
    expect(lost).toHaveLength(1)
  },
)

it.each(['initialize', 'notifications/initialized', 'tools/list', 'DELETE'])(
  'stops while a server does not answer %s',
  async (silent) => {
    const { seen, url } = await serveMcp(({ method }) => method === silent)
    const actions = open(url)
    const asked = actions.listWorkflows(repository, never)
    if (silent === 'DELETE') await asked
    else await expect.poll(() => seen.map(({ method }) => method)).toContain(silent)
    await actions.close()
    expect(await asked).toHaveLength(silent === 'DELETE' ? 0 : 1)
  },
)

it('ends its session with the connection', async () => {
  const { seen, url } = await serveMcp(() => false)
  const actions = open(url)
  expect(await actions.listWorkflows(repository, never)).toEqual([])
  await actions.close()
  expect(seen.at(-1)).toMatchObject({
    method: 'DELETE',
    headers: { 'mcp-session-id': 'session-1', authorization: `Bearer ${token}` },
  })
})

it('reads by the API where an answer is longer than any can be', async () => {
  const { url } = await serveMcp(({ method }, response) => {
    if (method !== 'tools/call') return false
    response.writeHead(200, { 'content-type': 'application/json' })
    const block = Buffer.alloc(65_536, ' ')
    const fill = () => {
      while (!response.destroyed && response.write(block)) continue
    }
    response.on('drain', fill)
    fill()
    return true
  })
  const actions = open(url, { timeoutMs: 60_000 })
  expect(await actions.listWorkflows(repository, never)).toHaveLength(1)
  expect(fallbacks).toHaveLength(1)
  expect(lost).toEqual(['the answer is too long'])
})
