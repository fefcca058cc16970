import { Counter, Histogram, type Registry } from 'prom-client'
import type { WebhookFigures } from '../webhooks/index.ts'

export function countWebhooks(registry: Registry): WebhookFigures {
  const registers = [registry]
  const attempts = new Counter({
    name: 'slipway_webhook_attempts_total',
    help: 'Attempts at deliveries to webhooks: `delivered`, `refused` by the answer, or `unanswered`.',
    labelNames: ['outcome'],
    registers,
  })
  const durations = new Histogram({
    name: 'slipway_webhook_attempt_seconds',
    help: 'From looking up where a delivery goes to the end of the answer.',
    labelNames: ['outcome'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  for (const outcome of ['delivered', 'refused', 'unanswered']) attempts.inc({ outcome }, 0)
  return {
    attempt(outcome, seconds) {
      attempts.inc({ outcome })
      durations.observe({ outcome }, seconds)
    },
  }
}
