import type { Logger } from 'pino'
import { type EventConsumerDeps, startEventConsumer } from '../events/index.ts'
import type { JobBus } from '../ports/job-bus.ts'
import type { Resources } from '../resources.ts'

/**
 * Hands every event to the job bus, where that reaches others (`slipway.events.<event_type>` of NATS): in
 * order, at least once, and later where the bus is away.
 */
export function startEventPublishing(
  deps: Omit<EventConsumerDeps, 'log'> & { log: Logger; bus: JobBus },
  resources: Resources,
): void {
  const publish = deps.bus.publishEvent?.bind(deps.bus)
  if (publish === undefined) return
  const consumer = startEventConsumer(deps, {
    name: 'job-bus',
    types: { exact: [], prefixes: [''] },
    handle: ({ type, json }) => publish(type, json),
  })
  resources.add('event publishing', consumer, (started) => started.close())
}
