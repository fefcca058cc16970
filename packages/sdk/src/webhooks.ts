import type { PageQuery } from '@slipway/contract/access'
import type {
  CreatedWebhook,
  CreateWebhookRequest,
  Delivery,
  DeliveryDetails,
  ListDeliveriesQuery,
  ListDeliveriesResponse,
  ListWebhooksResponse,
  RotatedSecret,
  RotateSecretRequest,
  UpdateWebhookRequest,
  Webhook,
} from '@slipway/contract/webhooks'
import { paginate } from './paginate.ts'
import type { CallOptions, Transport } from './transport.ts'

export interface WebhooksApi {
  /** The answer alone holds the secret. */
  create(request: CreateWebhookRequest, options?: CallOptions): Promise<CreatedWebhook>
  list(query?: PageQuery, options?: CallOptions): Promise<ListWebhooksResponse>
  iterate(query?: PageQuery, options?: CallOptions): AsyncIterable<Webhook>
  get(id: string, options?: CallOptions): Promise<Webhook>
  /** What is absent stays as it is. */
  update(id: string, request: UpdateWebhookRequest, options?: CallOptions): Promise<Webhook>
  delete(id: string, options?: CallOptions): Promise<void>
  /** Sends a ping. It may not have arrived when this answers: ask for the delivery. */
  test(id: string, options?: CallOptions): Promise<Delivery>
  /** For a day the secret before is signed with, too. */
  rotateSecret(
    id: string,
    request?: RotateSecretRequest,
    options?: CallOptions,
  ): Promise<RotatedSecret>
  deliveries(
    id: string,
    query?: ListDeliveriesQuery,
    options?: CallOptions,
  ): Promise<ListDeliveriesResponse>
  /** Every delivery that is kept, newest first, `limit` to a request. */
  iterateDeliveries(
    id: string,
    query?: ListDeliveriesQuery,
    options?: CallOptions,
  ): AsyncIterable<Delivery>
  delivery(id: string, deliveryId: string, options?: CallOptions): Promise<DeliveryDetails>
  /** Sends it once more, as a delivery of its own. */
  redeliver(id: string, deliveryId: string, options?: CallOptions): Promise<Delivery>
}

export function webhooksApi(transport: Transport): WebhooksApi {
  const pathOf = (id: string, ...rest: string[]) =>
    ['v1/webhooks', ...[id, ...rest].map(encodeURIComponent)].join('/')
  const call = async <T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    { signal }: CallOptions = {},
    more: { body?: unknown; query?: PageQuery | ListDeliveriesQuery } = {},
  ): Promise<T> => {
    const { query, ...body } = more
    const input = { method, path, signal, ...body, ...(query ? { query: { ...query } } : {}) }
    return (await transport.json(input)) as T
  }
  const list: WebhooksApi['list'] = (query = {}, options) =>
    call('GET', 'v1/webhooks', options, { query })
  const deliveries: WebhooksApi['deliveries'] = (id, query = {}, options) =>
    call('GET', pathOf(id, 'deliveries'), options, { query })
  return {
    list,
    deliveries,
    create: (body, options) => call('POST', 'v1/webhooks', options, { body }),
    iterate: (query = {}, options) =>
      paginate(async (offset, limit) => {
        const { webhooks, total } = await list({ offset, limit }, options)
        return { items: webhooks, total }
      }, query),
    get: (id, options) => call('GET', pathOf(id), options),
    update: (id, body, options) => call('PUT', pathOf(id), options, { body }),
    delete: (id, options) => call('DELETE', pathOf(id), options),
    test: (id, options) => call('POST', pathOf(id, 'test'), options),
    rotateSecret: (id, body = {}, options) =>
      call('POST', pathOf(id, 'rotate-secret'), options, { body }),
    async *iterateDeliveries(id, query = {}, options) {
      const limit = query.limit ?? 100
      let { before } = query
      for (;;) {
        const cursor = before === undefined ? {} : { before }
        const page = await deliveries(id, { ...query, limit, ...cursor }, options)
        yield* page.deliveries
        before = page.deliveries.at(-1)?.number
        if (page.deliveries.length < limit || before === undefined) return
      }
    },
    delivery: (id, deliveryId, options) =>
      call('GET', pathOf(id, 'deliveries', deliveryId), options),
    redeliver: (id, deliveryId, options) =>
      call('POST', pathOf(id, 'deliveries', deliveryId, 'redeliver'), options),
  }
}
