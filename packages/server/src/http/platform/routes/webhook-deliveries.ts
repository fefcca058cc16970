import { Uuid } from '@slipway/contract/fields'
import {
  Delivery,
  DeliveryDetails,
  ListDeliveriesQuery,
  ListDeliveriesResponse,
} from '@slipway/contract/webhooks'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import { getDelivery, listDeliveries, redeliver } from '../../../webhooks/index.ts'
import { refusals } from '../refusals.ts'
import type { WebhookRoutesDeps } from './webhooks.ts'

const WebhookParams = Type.Object({ id: Uuid })
const DeliveryParams = Type.Object({ id: Uuid, delivery_id: Uuid })
interface OfDelivery {
  Params: { id: string; delivery_id: string }
}

/** `/v1/webhooks/{id}/deliveries`: what was sent, and what came of it. */
export function webhookDeliveryRoutes({ webhooks }: WebhookRoutesDeps): FastifyPluginAsync {
  const tags = ['Webhooks']
  return async (app) => {
    app.get<{ Params: { id: string }; Querystring: ListDeliveriesQuery }>(
      '/webhooks/:id/deliveries',
      {
        schema: {
          operationId: 'listWebhookDeliveries',
          tags,
          summary: 'List what was sent',
          description:
            'Newest first; `before` the last `number` is the next page. Kept for 30 days, of each webhook the newest 10,000.',
          params: WebhookParams,
          querystring: ListDeliveriesQuery,
          response: { 200: ListDeliveriesResponse },
        },
      },
      async ({ principal, params, query }) => {
        const { status = null, before = null, limit = 20 } = query
        return listDeliveries(webhooks, { principal, webhookId: params.id, status, before, limit })
      },
    )

    app.get<OfDelivery>(
      '/webhooks/:id/deliveries/:delivery_id',
      {
        schema: {
          operationId: 'getWebhookDelivery',
          tags,
          summary: 'Show a delivery with every attempt',
          params: DeliveryParams,
          response: { 200: DeliveryDetails },
        },
      },
      async ({ principal, params: { id: webhookId, delivery_id: id } }) =>
        getDelivery(webhooks, { principal, webhookId, id }),
    )

    app.post<OfDelivery>(
      '/webhooks/:id/deliveries/:delivery_id/redeliver',
      {
        schema: {
          operationId: 'redeliverWebhook',
          tags,
          summary: 'Send it once more',
          description: 'A delivery of its own, with the same `webhook-id` header as the first.',
          params: DeliveryParams,
          response: {
            201: Delivery,
            ...refusals({ 409: 'The webhook is disabled, or the delivery is still being tried.' }),
          },
        },
      },
      async ({ principal, params: { id: webhookId, delivery_id: id } }, reply) =>
        reply.code(201).send(await redeliver(webhooks, { principal, webhookId, id })),
    )
  }
}
