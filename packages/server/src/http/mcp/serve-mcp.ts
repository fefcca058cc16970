// Loaded when it is first asked for: the SDK takes memory that servers nobody asks so need not have.
import {
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  WebStandardStreamableHTTPServerTransport,
  createMcpHandler,
  isLegacyRequest,
} from '@modelcontextprotocol/server'
import type { Principal } from '../../ports/identity.ts'
import { allows } from '../../access/index.ts'
import { permissionOf } from '../route-permissions.ts'
import type { ToolOperation } from './describe-tools.ts'
import { type Caller, type RunToolDeps, runTool } from './run-tool.ts'

export interface ServeMcpDeps extends RunToolDeps {
  version: string
  tools: ReadonlyMap<string, ToolOperation>
}

export interface McpRequest {
  /** Without its body. */
  request: Request
  /** Parsed. */
  message: unknown
  principal: Principal
  caller: Caller
}

const instructions =
  'Slipway takes commits through runs, releases, approvals and deployments. Every tool is an operation ' +
  'of its HTTP API, done with the rights of the token in use. Lists come in pages. Refusals say what is ' +
  'wrong in words and by a code.'

/**
 * Answers one message of an MCP client. There are no sessions: nothing is kept between messages, so
 * that any server may answer the next one. Speaks the revisions up to 2025-11-25, which begin with
 * `initialize`, and 2026-07-28, where each message says all that is needed to answer it.
 */
export async function serveMcp(deps: ServeMcpDeps, input: McpRequest): Promise<Response> {
  const { request, message } = input
  if (!(await isLegacyRequest(request, message))) {
    const handler = createMcpHandler(() => createServer(deps, input), {
      legacy: 'reject',
      // Nothing that could be subscribed to ever changes.
      maxSubscriptions: 0,
    })
    return handler.fetch(request, { parsedBody: message })
  }
  const server = createServer(deps, input)
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
  await server.connect(transport)
  try {
    return await transport.handleRequest(request, { parsedBody: message })
  } finally {
    await server.close()
  }
}

function createServer(deps: ServeMcpDeps, { principal, caller }: McpRequest): McpServer {
  const mcp = new McpServer(
    { name: 'slipway', title: 'Slipway', version: deps.version },
    { capabilities: { tools: { listChanged: false } }, instructions },
  )
  // Tools are given by JSON Schema, which only the layer below takes as it is.
  const { server } = mcp
  server.setRequestHandler('tools/list', () => ({
    tools: [...deps.tools.values()]
      .filter(({ guard }) => {
        const permission = permissionOf(guard)
        return permission === null || allows(principal, permission)
      })
      .map(({ tool }) => tool),
  }))
  server.setRequestHandler('tools/call', ({ params }) => {
    const operation = deps.tools.get(params.name)
    if (operation === undefined) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${params.name}`)
    }
    return runTool(deps, { operation, given: params.arguments ?? {}, caller })
  })
  return mcp
}
