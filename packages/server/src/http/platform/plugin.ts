import type { FastifyPluginAsync } from 'fastify'
import type { RouteList } from '../route-list.ts'
import { answerErrors } from './answer-errors.ts'
import { type AuditRoutesDeps, auditRoutes } from './routes/audit.ts'
import { type TicketRoutesDeps, ticketRoutes } from './routes/tickets.ts'
import { type TokenRoutesDeps, tokenRoutes } from './routes/tokens.ts'

/** What the routes of `/v1` need, all together. */
export interface PlatformDeps extends AuditRoutesDeps, TicketRoutesDeps, TokenRoutesDeps {}

/** Every set of routes below `/v1`; a new one is a line here, and one in route-permissions.ts for each route. */
const parts: readonly ((deps: PlatformDeps) => FastifyPluginAsync)[] = [
  tokenRoutes,
  ticketRoutes,
  auditRoutes,
]

/** The family `/v1`: runs, releases, approvals, deployments, and access to them. */
export function platformPlugin(deps: PlatformDeps, routes: RouteList): FastifyPluginAsync {
  return async (app) => {
    answerErrors(app, routes)
    for (const part of parts) await app.register(part(deps))
  }
}
