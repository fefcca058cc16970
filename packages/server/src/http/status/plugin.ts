import type { FastifyPluginAsync } from 'fastify'
import { answerFamilyErrors } from '../answer-family-errors.ts'
import type { RouteList } from '../route-list.ts'
import { toStatusError } from './error-envelope.ts'
import { type PipelineRoutesDeps, pipelineRoutes } from './routes/pipelines.ts'
import { type TriggerRoutesDeps, triggerRoutes } from './routes/trigger.ts'

/** What the routes of `/api/v2/pipelines` need, all together. */
export type StatusDeps = PipelineRoutesDeps & TriggerRoutesDeps

/** The family `/api/v2/pipelines`: GitHub Actions, watched. */
export function statusPlugin(deps: StatusDeps, routes: RouteList): FastifyPluginAsync {
  return async (app) => {
    answerFamilyErrors(app, routes, toStatusError)
    await app.register(pipelineRoutes(deps))
    await app.register(triggerRoutes(deps))
  }
}
