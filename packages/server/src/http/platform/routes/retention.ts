import {
  ChangeRetentionRequest,
  PreviewRetentionQuery,
  PreviewRetentionResponse,
  RetentionResponse,
} from '@slipway/contract/retention'
import type { FastifyPluginAsync } from 'fastify'
import {
  changeRetention,
  listRetention,
  previewRetention,
  type RetentionDeps,
} from '../../../retention/index.ts'

export interface RetentionRoutesDeps {
  retention: RetentionDeps
}

const tags = ['Retention']

/** `/v1/retention`: for how long finished things are kept. */
export function retentionRoutes({ retention }: RetentionRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/retention',
      {
        schema: {
          operationId: 'listRetention',
          tags,
          summary: 'Show what is kept for how long, and how much there is of it',
          description:
            'Numbers are exact up to 10,000. Not for tokens that are limited to repositories.',
          response: { 200: RetentionResponse },
        },
      },
      async ({ principal }) => listRetention(retention, { principal }),
    )

    app.get<{ Querystring: PreviewRetentionQuery }>(
      '/retention/preview',
      {
        schema: {
          operationId: 'previewRetention',
          tags,
          summary: 'Count what the next pass would remove',
          description: 'With the times of the query, and for kinds that it lacks as they are now.',
          querystring: PreviewRetentionQuery,
          response: { 200: PreviewRetentionResponse },
        },
      },
      async ({ principal, query }) => previewRetention(retention, { principal, query }),
    )

    app.put<{ Body: ChangeRetentionRequest }>(
      '/retention',
      {
        schema: {
          operationId: 'changeRetention',
          tags,
          summary: 'Change for how long things are kept',
          description:
            'From the next pass on, on every server; passes are an hour apart. What slipway.yaml sets is changed there.',
          body: ChangeRetentionRequest,
          response: { 200: RetentionResponse },
        },
      },
      async ({ principal, body }) => changeRetention(retention, { principal, request: body }),
    )
  }
}
