import type { FastifyPluginAsync } from 'fastify'
import { answerFamilyErrors } from '../answer-family-errors.ts'
import type { RateLimiter } from '../rate-limits.ts'
import type { RouteList } from '../route-list.ts'
import { toRunnerError } from './error-envelope.ts'
import { type HookRoutesDeps, hookRoutes } from './routes/hooks.ts'
import { type JobRoutesDeps, jobRoutes } from './routes/jobs.ts'
import { jobLogRoutes } from './routes/jobs-logs.ts'
import { jobReportRoutes } from './routes/jobs-reports.ts'
import { runnerRoutes } from './routes/runners.ts'

/** What the routes of `/api/jobs` and `/api/runners` need, all together. */
export type RunnerFamilyDeps = JobRoutesDeps & HookRoutesDeps

type Part = (deps: RunnerFamilyDeps) => FastifyPluginAsync

/** Every set of routes of the family; a new one is a line here, and one in route-permissions.ts for each route. */
const parts: Readonly<Record<string, readonly Part[]>> = {
  '/jobs': [jobRoutes, jobReportRoutes, jobLogRoutes, hookRoutes],
  '/runners': [runnerRoutes],
}

/** Whether a path belongs to the family, which has errors and rate limits of its own. */
export function isOfRunnerFamily(path: string): boolean {
  return Object.keys(parts).some(
    (prefix) => path === `/api${prefix}` || path.startsWith(`/api${prefix}/`),
  )
}

/** The family `/api/jobs` and `/api/runners`: jobs of GitHub Actions in ephemeral containers. */
export function runnerFamilyPlugin(
  deps: RunnerFamilyDeps,
  routes: RouteList,
  rateLimiter: RateLimiter,
): FastifyPluginAsync {
  const { version } = deps
  return async (app) => {
    for (const [prefix, each] of Object.entries(parts)) {
      const part: FastifyPluginAsync = async (scope) => {
        answerFamilyErrors(scope, routes, (error, requestId) =>
          toRunnerError(error, requestId, { version, now: new Date() }),
        )
        // Rate limit headers are on every answer; where there is no route, no gate has set them.
        scope.addHook('onRequest', async (request, reply) => {
          if (request.is404) await rateLimiter.countAnonymous(request, reply)
        })
        for (const routesOf of each) await scope.register(routesOf(deps))
      }
      await app.register(part, { prefix })
    }
  }
}
