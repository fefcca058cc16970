// A server of the Model Context Protocol for GitHub's workflows, in a process of its own: on its standard
// streams, or over HTTP where `--port` is given. It asks the API at `--api` with the token in its environment
// (or in the header of each request), and shows its tools by the names and arguments of one of the
// generations that the official server has had.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import {
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { type McpGeneration, toolsOf } from './mcp-tools.ts'
import { type AskApi, runTool } from './run-mcp-tool.ts'

const { values } = parseArgs({
  options: {
    api: { type: 'string', default: '' },
    generation: { type: 'string', default: 'grouped' },
    without: { type: 'string', multiple: true, default: [] },
    /** Where it writes its process id. */
    pid: { type: 'string' },
    /** A file with what goes wrong with the next call of a tool. */
    fault: { type: 'string', default: '' },
    /** A file that it writes its port into. */
    port: { type: 'string' },
  },
})
const generation = values.generation as McpGeneration
if (values.pid !== undefined) writeFileSync(values.pid, String(process.pid))

const askAs =
  (token: string | undefined): AskApi =>
  async (method, path, body) => {
    const headers = { authorization: `token ${token}`, 'user-agent': 'slipway/test' }
    const response = await fetch(
      `${values.api}${path}`,
      body === undefined
        ? { method, headers }
        : {
            method,
            headers: { ...headers, 'content-type': 'application/json' },
            body: JSON.stringify(body),
          },
    )
    const text = await response.text()
    const data = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
    if (response.ok) return { status: response.status, data }
    const { url } = response
    const said = typeof data['message'] === 'string' ? data['message'] : ''
    throw new Error(`${method} ${url}: ${response.status} ${said} []`)
  }

/** What goes wrong now: `<fault> <tool>`, or nothing. */
function faultOf(tool: string): string {
  const [fault = '', where = tool] = existsSync(values.fault)
    ? readFileSync(values.fault, 'utf8').trim().split(' ')
    : []
  return where === tool ? fault : ''
}

function serve(token: string | undefined): McpServer {
  const mcp = new McpServer({ name: 'github', version: '1' }, { capabilities: { tools: {} } })
  const tools = toolsOf(generation).filter(({ name }) => !values.without.includes(name))
  mcp.server.setRequestHandler('tools/list', () => ({ tools }))
  mcp.server.setRequestHandler('tools/call', async ({ params }) => {
    const { name, arguments: given = {} } = params
    if (!tools.some((tool) => tool.name === name)) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `unknown tool ${name}`)
    }
    const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] })
    const fault = faultOf(name)
    if (fault === 'noise') process.stdout.write('{"jsonrpc": "2.0", "id"\n{}\n')
    if (fault === 'noise') await new Promise(() => {})
    if (fault === 'crash') process.exit(1)
    if (fault === 'hang') await new Promise(() => {})
    if (fault === 'garbage') return text('{"total_count": 1, "workfl')
    if (fault === 'nonsense')
      return text('{"total_count": 3, "workflows": [], "workflow_runs": {}}')
    try {
      const answer = await runTool(askAs(token), generation, name, given)
      // What was asked for is done, and nobody hears of it.
      if (fault === 'crash-after') process.exit(1)
      if (fault === 'hang-after') await new Promise(() => {})
      if (fault === 'garbage-after') return text('queued, I think')
      return text(JSON.stringify(answer))
    } catch (error) {
      return { ...text(`failed to do ${name}: ${(error as Error).message}`), isError: true }
    }
  })
  return mcp
}

if (values.port === undefined) {
  serveStdio(() => serve(process.env['GITHUB_PERSONAL_ACCESS_TOKEN']))
} else {
  const server = createServer((request, response) => {
    void (async () => {
      const { method = 'GET', url = '/', headers } = request
      const [scheme, token] = (headers.authorization ?? '').split(' ')
      const raw = await buffer(request)
      if (scheme !== 'Bearer' || method !== 'POST') {
        response.writeHead(scheme === 'Bearer' ? 405 : 401).end()
        return
      }
      const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
      await serve(token).connect(transport)
      const given = Object.entries(headers).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name, value] as [string, string]] : [],
      )
      const answer = await transport.handleRequest(
        new Request(new URL(url, 'http://127.0.0.1'), { method, headers: given, body: raw }),
      )
      response.writeHead(answer.status, Object.fromEntries(answer.headers))
      response.end(await answer.text())
    })().catch(() => response.destroy())
  }).listen(0, '127.0.0.1', () => {
    writeFileSync(values.port ?? '', String((server.address() as AddressInfo).port))
  })
}
