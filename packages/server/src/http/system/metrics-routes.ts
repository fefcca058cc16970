import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import { requireUnlimited } from '../../access/index.ts'
import type { Metrics } from '../../metrics/index.ts'

/** `/api/metrics`, and `/metrics`, where Prometheus looks first. */
export function metricsRoutes(
  metrics: Pick<Metrics, 'scrape' | 'contentType'>,
): FastifyPluginAsync {
  return async (app) => {
    for (const url of ['/api/metrics', '/metrics']) {
      app.get(
        url,
        {
          schema: {
            operationId: 'getServerMetrics',
            tags: ['Health'],
            summary: 'Read what the server counts of itself',
            description:
              'The text format of Prometheus, version 0.0.4. For a token that is not limited to repositories.',
            hide: url !== '/api/metrics',
            response: {
              200: {
                description: 'Every metric, with its help and type.',
                content: { 'text/plain': { schema: Type.String() } },
              },
            },
          },
        },
        async (request, reply) => {
          requireUnlimited(request.principal, 'Metrics')
          const text = await metrics.scrape()
          return reply.type(metrics.contentType).header('cache-control', 'no-store').send(text)
        },
      )
    }
  }
}
