import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import { pathOf } from '../redact-url.ts'
import type { RouteList } from '../route-list.ts'
import { checkOrigin } from './check-origin.ts'
import { describeTools } from './describe-tools.ts'
import { toRpcError } from './error-envelope.ts'
import type { Caller, ToolLimits } from './run-tool.ts'

export interface McpPluginDeps {
  version: string
  /** Where the server is reached from elsewhere; null where nobody has said so. */
  publicUrl: string | null
  /** Default: 1 MiB, 60 s. */
  limits?: Partial<ToolLimits>
}

const defaultLimits: ToolLimits = { maxBytes: 1_048_576, deadlineMs: 60_000 }

/**
 * `POST /mcp`: the whole API for clients of the Model Context Protocol (streamable HTTP), a tool for
 * each operation of `routes`, also of those that are added later.
 */
export function mcpPlugin(deps: McpPluginDeps, routes: RouteList): FastifyPluginAsync {
  return async (app) => {
    app.setErrorHandler((error, request, reply) => sendRpcError(error, request, reply))
    const open = async () => {
      const { serveMcp } = await import('./serve-mcp.ts')
      const limits = { ...defaultLimits, ...deps.limits }
      const tools = describeTools(routes.routes)
      const serving = { app, log: app.log, version: deps.version, tools, limits }
      return (input: Parameters<typeof serveMcp>[1]) => serveMcp(serving, input)
    }
    let opened: ReturnType<typeof open> | undefined

    app.post('/mcp', { schema: { hide: true } }, async (request, reply) => {
      const { origin } = request.headers
      checkOrigin({ origin, host: request.host }, deps.publicUrl)
      if (Array.isArray(request.body)) {
        throw new AppError(
          'invalid_request',
          'Batches are not taken: send one message in a request',
        )
      }
      opened ??= open()
      // What could not be loaded now may be later.
      opened.catch(() => (opened = undefined))
      const serve = await opened
      const answer = await serve({
        request: toWebRequest(request),
        message: request.body,
        principal: request.principal,
        caller: callerOf(request, reply),
      })
      const type = answer.headers.get('content-type')
      if (type !== null) void reply.type(type)
      return reply.code(answer.status).send(await answer.text())
    })
  }
}

/** Head of the request only: its body has been read. */
function toWebRequest({ raw, headers }: FastifyRequest): Request {
  const plain = Object.entries(headers).filter(
    (header): header is [string, string] => typeof header[1] === 'string',
  )
  return new Request('http://slipway/mcp', { method: raw.method ?? 'POST', headers: plain })
}

/** By these a caller is known, and the address at which they found us. */
const forwarded = [
  'authorization',
  'host',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]

function callerOf(request: FastifyRequest, reply: FastifyReply): Caller {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  // Its close may have come before anybody listened.
  if (reply.raw.destroyed) gone.abort()
  const headers = forwarded.flatMap((name) => {
    const value = request.headers[name]
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  return {
    headers: Object.fromEntries(headers),
    address: request.raw.socket.remoteAddress,
    requestId: request.id,
    gone: gone.signal,
  }
}

function sendRpcError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, body, unforeseen } = toRpcError(error, request.id)
  if (unforeseen) {
    const { id, method, url } = request
    request.log.error(
      { err: error, request_id: id, method, path: pathOf(url) },
      'A request failed in a way that nobody foresaw',
    )
  }
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body))
}
