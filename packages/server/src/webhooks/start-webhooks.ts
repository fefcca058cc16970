import { type Duty, type DutyDeps, startDuty } from '../duties/index.ts'
import { type EventFeed, startEventConsumer } from '../events/index.ts'
import type { WebhooksDeps } from './deps.ts'
import type { TracedDeliveryDeps } from './make-traced.ts'
import { pruneDeliveries } from './prune-deliveries.ts'
import { recordDeliveries } from './record-deliveries.ts'
import { type Sender, type SenderOptions, startSender } from './start-sender.ts'

const pruneEveryMs = 600_000

/** What a server does for webhooks without being asked. */
export interface RunningWebhooks {
  /** A delivery may be due. */
  wake(): void
  /** Ends everything; what is under way is made by whoever comes next. Never rejects. */
  close(): Promise<void>
}

/** Reads the outbox into deliveries, makes those that are due, and keeps their log bounded. */
export function startWebhooks(
  deps: Omit<WebhooksDeps, 'wakeSender'> &
    DutyDeps &
    Pick<TracedDeliveryDeps, 'tracer' | 'figures'> & { feed: EventFeed; version: string },
  options: SenderOptions = {},
): RunningWebhooks {
  const sender: Sender = startSender(deps, options)
  const consumer: Duty = startEventConsumer(deps, {
    name: 'webhooks',
    types: { exact: [], prefixes: [''] },
    async handle(event) {
      if ((await recordDeliveries(deps, event)) > 0) sender.wake()
    },
  })
  const pruning: Duty = startDuty(deps, {
    name: 'webhook deliveries',
    everyMs: pruneEveryMs,
    run: async (signal) => void (await pruneDeliveries(deps, { now: new Date(), signal })),
  })
  return {
    wake: () => sender.wake(),
    async close() {
      await Promise.all([consumer.close(), pruning.close()])
      await sender.close()
    },
  }
}
