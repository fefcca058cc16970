import type { FastifyPluginAsync } from 'fastify'
import { answerFamilyErrors } from '../answer-family-errors.ts'
import type { RouteList } from '../route-list.ts'
import { toBuildError } from './error-envelope.ts'
import { type CredentialRoutesDeps, credentialRoutes } from './routes/credentials.ts'
import { type RepositoryRoutesDeps, repositoryRoutes } from './routes/repositories.ts'

/** What the routes of `/api` need, all together. */
export type BuildsDeps = CredentialRoutesDeps & RepositoryRoutesDeps

/** Every set of routes below `/api`; a new one is a line here, and one in route-permissions.ts for each route. */
const parts: readonly ((deps: BuildsDeps) => FastifyPluginAsync)[] = [
  credentialRoutes,
  repositoryRoutes,
]

/** The family `/api`: what builds refer to. */
export function buildsPlugin(deps: BuildsDeps, routes: RouteList): FastifyPluginAsync {
  return async (app) => {
    answerFamilyErrors(app, routes, toBuildError)
    for (const part of parts) await app.register(part(deps))
  }
}
