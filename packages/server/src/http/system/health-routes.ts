import { Health } from '@slipway/contract/health'
import type { FastifyPluginAsync } from 'fastify'

export interface HealthRoutesDeps {
  checkHealth: () => Promise<Health>
  /** False before the server has started and as soon as it begins to stop. */
  isReady: () => boolean
}

const tags = ['Health']
const unhealthy = {
  description: 'At least one check fails.',
  content: { 'application/json': { schema: Health } },
}

/** `/health`, `/livez` and `/readyz`. */
export function healthRoutes(deps: HealthRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/health',
      {
        schema: {
          operationId: 'getHealth',
          tags,
          summary: 'Check the parts the server depends on',
          response: { 200: Health, 503: unhealthy },
        },
      },
      async (_request, reply) => {
        const health = await deps.checkHealth()
        return reply.code(health.status === 'healthy' ? 200 : 503).send(health)
      },
    )

    app.get(
      '/livez',
      {
        schema: {
          operationId: 'getLiveness',
          tags,
          summary: 'Check that the process answers',
          description: 'Asks nothing else: a server whose database is away need not be restarted.',
          response: { 200: Health },
        },
      },
      async () => ({ status: 'healthy', timestamp: new Date().toISOString(), checks: {} }),
    )

    app.get(
      '/readyz',
      {
        schema: {
          operationId: 'getReadiness',
          tags,
          summary: 'Check that the server should be sent requests',
          description:
            'As /health, but 200 when it is degraded, and unhealthy while it starts or stops.',
          response: { 200: Health, 503: unhealthy },
        },
      },
      async (_request, reply) => {
        const health = await deps.checkHealth()
        const status = deps.isReady() ? health.status : 'unhealthy'
        return reply.code(status === 'unhealthy' ? 503 : 200).send({ ...health, status })
      },
    )
  }
}
