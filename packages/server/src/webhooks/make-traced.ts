import { inSpanOf, type Tracer } from '../correlation.ts'
import type { ClaimedDelivery } from './claim-deliveries.ts'
import { makeDelivery, type MakeDeliveryDeps } from './make-delivery.ts'

export interface TracedDeliveryDeps extends MakeDeliveryDeps {
  /** Default: nothing is traced. */
  tracer?: Tracer | null
  /** Told of every attempt. Default: nothing is counted. */
  figures?: WebhookFigures
}

/** Told of attempts at deliveries. Nothing here throws. */
export interface WebhookFigures {
  attempt(outcome: 'delivered' | 'refused' | 'unanswered', seconds: number): void
}

/** Makes a delivery as part of what caused its event. */
export async function makeTraced(
  deps: TracedDeliveryDeps,
  delivery: ClaimedDelivery,
  stopping: AbortSignal,
): Promise<void> {
  const work = {
    name: `webhook ${delivery.event_type}`,
    kind: 'client' as const,
    fields: { delivery_id: delivery.id },
    attributes: {
      'slipway.delivery_id': delivery.id,
      'slipway.webhook_id': delivery.webhook_id,
      'slipway.event_type': delivery.event_type,
      'slipway.attempt': delivery.attempt,
    },
  }
  await inSpanOf(deps.tracer ?? null, delivery.origin, work, async (span) => {
    const result = await makeDelivery(deps, delivery, stopping)
    const { responseStatus: status, durationMs, error } = result
    const outcome = error === null ? 'delivered' : status === null ? 'unanswered' : 'refused'
    deps.figures?.attempt(outcome, durationMs / 1000)
    span?.set({
      'slipway.outcome': outcome,
      ...(status === null ? {} : { 'http.response.status_code': status }),
    })
    if (error !== null) span?.fail(new Error(outcome))
  })
}
