import type { FastifyBaseLogger, onRequestHookHandler, onSendAsyncHookHandler } from 'fastify'
import type { AuditLog } from '../access/index.ts'
import { knownPrincipal } from './principal.ts'
import type { RateLimiter } from './rate-limits.ts'
import { pathOf } from './redact-url.ts'

/** Methods that change something. */
const changingMethods: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** Routes that change nothing all the same, or whose changes are requests of their own. */
const readingRoutes: ReadonlySet<string> = new Set([
  'POST /git/gitops.git/git-upload-pack',
  'POST /mcp',
  'POST /socket.io',
  'POST /socket.io/',
  'POST /v1/deployments/preview',
])

/** What workers say of the jobs in their hands and ask for them, and servers each other: the ledger and the runs tell of it. */
const workRoutes = /^\/v1\/(?:workers\/:id|servers)(?:\/|$)/
/** What gives away or changes more than the job in hand. */
const auditedWork: ReadonlySet<string> = new Set([
  'DELETE /v1/workers/:id',
  'POST /v1/workers/:id/drain',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/secrets',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/release',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/deployment',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/build',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/build/registry',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/delegation/configuration',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/publisher-login',
  'POST /v1/workers/:id/jobs/:job_id/attempts/:attempt/signature',
])

/** What changes something although it is no change by its method: somebody comes in. */
const changingRoutes: ReadonlySet<string> = new Set(['GET /v1/sign-in/callback'])

/** Whether a route changes something, or may. */
export function isChange(method: string, url: string): boolean {
  const route = `${method} ${url}`
  if (changingRoutes.has(route)) return true
  if (!changingMethods.has(method) || readingRoutes.has(route)) return false
  return !workRoutes.test(url) || auditedWork.has(route)
}

/**
 * The hooks that write a change, or the attempt at one, to the audit log before its answer leaves.
 * What is over the rate limit is left out, and so is all but a little of what an address tries
 * without a valid token, or anybody could fill the log. An entry that cannot be
 * stored goes to the server's own log: what was done cannot be undone by not saying so.
 */
export function createAuditHooks(
  deps: { audit: AuditLog; log: FastifyBaseLogger; rateLimiter: RateLimiter },
  route: string,
): { onRequest: onRequestHookHandler; onSend: onSendAsyncHookHandler } {
  // A client that has gone by the time of the answer has no address any more.
  const addresses = new WeakMap<object, string>()
  const onRequest: onRequestHookHandler = (request, _reply, done) => {
    addresses.set(request, request.ip)
    done()
  }
  const onSend: onSendAsyncHookHandler = async (request, reply, payload) => {
    if (reply.statusCode === 429) return payload
    const principal = knownPrincipal(request)
    if (principal === null && !(await deps.rateLimiter.isWorthAudit(request))) return payload
    const entry = {
      at: new Date(),
      actor: principal?.name ?? 'anonymous',
      action: route,
      resource: pathOf(request.url),
      address: addresses.get(request) ?? request.ip,
      outcome: reply.statusCode,
      request_id: request.id,
    }
    try {
      await deps.audit.record(entry)
    } catch (error) {
      deps.log.error({ err: error, audit: entry }, 'An entry of the audit log could not be stored')
    }
    return payload
  }
  return { onRequest, onSend }
}
