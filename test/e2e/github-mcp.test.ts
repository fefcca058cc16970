// A server that asks GitHub about its workflows by GitHub's MCP server, as its settings say.
import { afterEach, expect, it } from 'vitest'
import type { PipelineHistoryResponse, TriggerPipelineResponse } from '@slipway/contract/pipelines'
import { isAlive, placeMcpServer } from '../support/github/mcp-server.ts'
import { type GitHubStandIn, startGitHubStandIn } from '../support/github/stand-in.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const token = 'ghp_a_token_nobody_may_see'
const owned = 'ghp_another_one_of_its_own'
let github: GitHubStandIn | undefined
let server: TestServer | undefined

afterEach(async () => {
  await server?.close()
  await github?.close()
})

it('asks by the command, starts by it once, counts what the API had to do, and ends it', async () => {
  github = await startGitHubStandIn({ token })
  const { actions, url } = github
  actions.addRepository('acme/shop', { id: 77 })
  actions.putRun('acme/shop', { id: 1, status: 'completed', conclusion: 'success' })
  const place = await placeMcpServer({ api: url, generation: 'trimmed', transport: 'stdio' })
  server = await startTestServer({
    GITHUB_API_URL: url,
    GITHUB_TOKEN: token,
    GITHUB_MCP_COMMAND: place.commandLine,
    SLIPWAY_MONITOR_INTERVAL: '1s',
  })
  const history = () =>
    server?.json<PipelineHistoryResponse>('GET', '/api/v2/pipelines/history/acme/shop')
  await expect.poll(async () => (await history())?.metadata.total, { timeout: 30_000 }).toBe(1)
  const run = await server.json<TriggerPipelineResponse>('POST', '/api/v2/pipelines/trigger', {
    body: { repository: 'acme/shop', workflow: 'ci.yml', branch: 'main' },
    expect: 200,
  })
  expect(run).toMatchObject({ success: true })
  const starts = github.seen.filter(({ method }) => method === 'POST')
  expect(starts.map(({ headers }) => headers['user-agent'])).toEqual(['slipway/test'])
  const metrics = await (await server.request('GET', '/metrics')).text()
  expect(metrics).toMatch(
    /slipway_github_mcp_fallbacks_total\{operation="listRepositories",reason="missing_tool"\} [1-9]/,
  )
  expect(metrics).not.toMatch(/mcp_fallbacks_total\{operation="dispatchWorkflow"/)
  const pid = place.pid()
  expect(isAlive(pid)).toBe(true)
  await server.stop()
  expect(isAlive(pid)).toBe(false)
  expect(server.output.join('\n')).toContain('connected to GitHub’s MCP server')
  expect(server.output.join('\n')).not.toContain(token)
}, 90_000)

it('works by the API where there is no such command', async () => {
  github = await startGitHubStandIn({ token })
  github.actions.addRepository('acme/shop', { id: 77 })
  github.actions.putRun('acme/shop', { id: 1, status: 'completed', conclusion: 'success' })
  server = await startTestServer({
    GITHUB_API_URL: github.url,
    GITHUB_TOKEN: token,
    GITHUB_MCP_COMMAND: '/nonexistent/server',
    GITHUB_MCP_TOKEN: owned,
    SLIPWAY_MONITOR_INTERVAL: '1s',
  })
  const history = () =>
    server?.json<PipelineHistoryResponse>('GET', '/api/v2/pipelines/history/acme/shop')
  await expect.poll(async () => (await history())?.metadata.total, { timeout: 30_000 }).toBe(1)
  const metrics = await (await server.request('GET', '/metrics')).text()
  expect(metrics).toMatch(
    /slipway_github_mcp_fallbacks_total\{operation="listRuns",reason="unreachable"\} [1-9]/,
  )
  expect(server.output.join('\n')).not.toContain(owned)
}, 60_000)
