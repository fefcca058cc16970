import type { FastifyPluginAsync } from 'fastify'
import { answerFamilyErrors } from '../answer-family-errors.ts'
import type { RouteList } from '../route-list.ts'
import type { RateLimiter } from '../rate-limits.ts'
import { toBuildError } from './error-envelope.ts'
import { type CredentialRoutesDeps, credentialRoutes } from './routes/credentials.ts'
import { type BrandingRoutesDeps, brandingRoutes } from './routes/branding.ts'
import { brandingAssetRoutes } from './routes/branding-assets.ts'
import { brandingFileRoutes } from './routes/branding-files.ts'
import { type ConfigurationRoutesDeps, configurationRoutes } from './routes/configurations.ts'
import { buildExecutionRoutes } from './routes/pipelines-execute.ts'
import { buildFigureRoutes } from './routes/pipelines-figures.ts'
import { buildLogRoutes } from './routes/pipelines-logs.ts'
import { buildOutputRoutes } from './routes/pipelines-outputs.ts'
import { type BuildRoutesDeps, buildRoutes } from './routes/pipelines-runs.ts'
import { type RegistryRoutesDeps, registryRoutes } from './routes/registries.ts'
import { type RepositoryRoutesDeps, repositoryRoutes } from './routes/repositories.ts'

/** What the routes of `/api` need, all together. */
export type BuildsDeps = CredentialRoutesDeps &
  RepositoryRoutesDeps &
  RegistryRoutesDeps &
  BrandingRoutesDeps &
  ConfigurationRoutesDeps &
  BuildRoutesDeps

/** Every set of routes below `/api`; a new one is a line here, and one in route-permissions.ts for each route. */
const parts: readonly ((deps: BuildsDeps) => FastifyPluginAsync)[] = [
  credentialRoutes,
  repositoryRoutes,
  registryRoutes,
  brandingRoutes,
  brandingAssetRoutes,
  brandingFileRoutes,
  configurationRoutes,
  buildRoutes,
  buildExecutionRoutes,
  buildLogRoutes,
  buildOutputRoutes,
  buildFigureRoutes,
]

/** The family `/api`: builds, and what they refer to. */
export function buildsPlugin(
  deps: BuildsDeps,
  routes: RouteList,
  rateLimiter: RateLimiter,
): FastifyPluginAsync {
  return async (app) => {
    answerFamilyErrors(app, routes, toBuildError)
    // The document has rate limit headers on every answer; where there is no route, no gate has set them.
    app.addHook('onRequest', async (request, reply) => {
      if (request.is404) await rateLimiter.countAnonymous(request, reply)
    })
    for (const part of parts) await app.register(part(deps))
  }
}
