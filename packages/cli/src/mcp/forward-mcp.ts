import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { type CallToolResult, McpServer, ProtocolError } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import { SlipwayError } from '@slipway/sdk'
import { askServer } from './ask-server.ts'

export interface ForwardMcpInput {
  /** Of the Slipway server. */
  url: string
  /** Asked for each message. */
  bearer: () => Promise<string | undefined>
  /** Ours. */
  version: string
  in: Readable
  out: Writable
  signal: AbortSignal
}

/** Milliseconds that the server may take for a call; it gives up sooner itself. */
const timeout = 90_000

/**
 * An MCP server on `in` and `out` that has the tools of the Slipway server, and runs them there.
 * Resolves when `in` ends or `signal` aborts. Once it serves, a server that is away fails single
 * calls only.
 *
 * @throws SlipwayError when the server cannot be reached, or refuses the token
 */
export async function forwardMcp(input: ForwardMcpInput): Promise<void> {
  const remote = await connect(input)
  try {
    const handle = serveStdio(() => createServer(remote), {
      transport: new StdioServerTransport(input.in, input.out),
    })
    try {
      await Promise.race([finished(input.in, { writable: false }), untilAborted(input.signal)])
    } finally {
      await handle.close()
    }
  } finally {
    await remote.close()
  }
}

async function connect({ url, bearer, version, signal }: ForwardMcpInput): Promise<Client> {
  const endpoint = new URL('mcp', url.endsWith('/') ? url : `${url}/`)
  const client = new Client({ name: 'slipway-cli', version })
  const transport = new StreamableHTTPClientTransport(endpoint, {
    fetch: async (to, init) => {
      const token = await bearer()
      const headers = new Headers(init?.headers)
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
      return askServer(to, { ...init, headers })
    },
    requestInit: { headers: { 'user-agent': 'slipway-cli' } },
  })
  try {
    await client.connect(transport, { signal, timeout })
  } catch (error) {
    await client.close()
    signal.throwIfAborted()
    throw error
  }
  return client
}

function createServer(remote: Client): McpServer {
  const instructions = remote.getInstructions()
  const mcp = new McpServer(remote.getServerVersion() ?? { name: 'slipway', version: '' }, {
    capabilities: { tools: { listChanged: false } },
    ...(instructions === undefined ? {} : { instructions }),
  })
  // Tools are passed on as they are, which only the layer below can.
  const { server } = mcp
  server.setRequestHandler('tools/list', async (_request, { mcpReq: { signal } }) => {
    const { tools } = await remote.listTools(undefined, { signal, timeout })
    return { tools }
  })
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq: { signal } }) => {
    const { name, arguments: given = {} } = params
    try {
      return await remote.callTool({ name, arguments: given }, { signal, timeout })
    } catch (error) {
      if (error instanceof ProtocolError) throw error
      return describeFailure(error)
    }
  })
  return mcp
}

/** The server refused the message itself, or did not answer: told in the form of the API's errors. */
function describeFailure(error: unknown): CallToolResult {
  const { code, message, details } =
    error instanceof SlipwayError
      ? error
      : { code: 'unavailable', message: String(error), details: undefined }
  const body = { error: { code, message, ...(details === undefined ? {} : { details }) } }
  return {
    isError: true,
    content: [{ type: 'text', text: JSON.stringify(body) }],
    structuredContent: body,
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
