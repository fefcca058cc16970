import { PageQuery } from '@slipway/contract/access'
import { Uuid } from '@slipway/contract/fields'
import {
  CreatedWebhook,
  CreateWebhookRequest,
  Delivery,
  ListWebhooksResponse,
  RotatedSecret,
  RotateSecretRequest,
  UpdateWebhookRequest,
  Webhook,
} from '@slipway/contract/webhooks'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listWebhooks,
  rotateSecret,
  testWebhook,
  updateWebhook,
  type WebhooksDeps,
} from '../../../webhooks/index.ts'
import { refusals } from '../refusals.ts'

export interface WebhookRoutesDeps {
  webhooks: WebhooksDeps
}

const Params = Type.Object({ id: Uuid })
interface WithId {
  Params: { id: string }
}

/** `/v1/webhooks`: who else is told of events. Deliveries are in webhook-deliveries.ts. */
export function webhookRoutes({ webhooks }: WebhookRoutesDeps): FastifyPluginAsync {
  const tags = ['Webhooks']
  return async (app) => {
    app.post<{ Body: CreateWebhookRequest }>(
      '/webhooks',
      {
        schema: {
          operationId: 'createWebhook',
          tags,
          summary: 'Send events to an address',
          description:
            'The answer is the only place where the secret appears. Deliveries are signed with it as Standard Webhooks says.',
          body: CreateWebhookRequest,
          response: { 201: CreatedWebhook, ...refusals({ 429: 'There are 100 webhooks.' }) },
        },
      },
      async ({ principal, body }, reply) => {
        const webhook = await createWebhook(webhooks, { principal, request: body })
        return reply.code(201).header('cache-control', 'no-store').send(webhook)
      },
    )

    app.get<{ Querystring: PageQuery }>(
      '/webhooks',
      {
        schema: {
          operationId: 'listWebhooks',
          tags,
          summary: 'List webhooks',
          description:
            'Newest first. A token that is limited to repositories sees those that are within them.',
          querystring: PageQuery,
          response: { 200: ListWebhooksResponse },
        },
      },
      async ({ principal, query }) => {
        const { limit = 20, offset = 0 } = query
        return listWebhooks(webhooks, { principal, limit, offset })
      },
    )

    app.get<WithId>(
      '/webhooks/:id',
      {
        schema: {
          operationId: 'getWebhook',
          tags,
          summary: 'Show a webhook',
          params: Params,
          response: { 200: Webhook },
        },
      },
      async ({ principal, params: { id } }) => getWebhook(webhooks, { principal, id }),
    )

    app.put<WithId & { Body: UpdateWebhookRequest }>(
      '/webhooks/:id',
      {
        schema: {
          operationId: 'updateWebhook',
          tags,
          summary: 'Change a webhook',
          description:
            'What is absent stays as it is. Enabled again, it sends what was waiting, and its failures are forgotten.',
          params: Params,
          body: UpdateWebhookRequest,
          response: { 200: Webhook },
        },
      },
      async ({ principal, params: { id }, body }) =>
        updateWebhook(webhooks, { principal, id, request: body }),
    )

    app.delete<WithId>(
      '/webhooks/:id',
      {
        schema: {
          operationId: 'deleteWebhook',
          tags,
          summary: 'Delete a webhook with its deliveries',
          params: Params,
          response: { 204: Type.Null({ description: 'It is gone.' }) },
        },
      },
      async ({ principal, params: { id } }, reply) => {
        await deleteWebhook(webhooks, { principal, id })
        return reply.code(204).send()
      },
    )

    app.post<WithId>(
      '/webhooks/:id/test',
      {
        schema: {
          operationId: 'testWebhook',
          tags,
          summary: 'Send a slipway.ping',
          description: 'It is sent, tried again and kept like any other delivery.',
          params: Params,
          response: { 201: Delivery, ...refusals({ 409: 'The webhook is disabled.' }) },
        },
      },
      async ({ principal, params: { id } }, reply) =>
        reply.code(201).send(await testWebhook(webhooks, { principal, id })),
    )

    app.post<WithId & { Body: RotateSecretRequest | null | undefined }>(
      '/webhooks/:id/rotate-secret',
      {
        schema: {
          operationId: 'rotateWebhookSecret',
          tags,
          summary: 'Give a webhook another secret',
          description:
            'For a day deliveries carry two signatures, with this secret and with the one before.',
          params: Params,
          body: Type.Union([RotateSecretRequest, Type.Null()]),
          response: { 200: RotatedSecret },
        },
      },
      async ({ principal, params: { id }, body }, reply) => {
        const rotated = await rotateSecret(webhooks, { principal, id, request: body ?? {} })
        return reply.header('cache-control', 'no-store').send(rotated)
      },
    )
  }
}
