import type { Kysely } from 'kysely'
import { Gauge, Registry } from 'prom-client'
import type { Log } from '../db/log.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { StoredEvent } from '../events/index.ts'
import type { LedgerFigures } from '../jobs/index.ts'
import type { HandlerFigures, SpanFigures } from '../telemetry/index.ts'
import type { WebhookFigures } from '../webhooks/index.ts'
import { countEvents } from './count-events.ts'
import { countGithub, type GithubFigures } from './count-github.ts'
import { countHandlers, countLedger } from './count-jobs.ts'
import { countRequests, type RequestFigures } from './count-requests.ts'
import { countTraces } from './count-traces.ts'
import { countWebhooks } from './count-webhooks.ts'
import { measureJobBus, type WatchedJobBus } from './measure-job-bus.ts'
import { type MeasuredPorts, measureIdentity, measurePorts } from './measure-ports.ts'
import { measurePool, measureProcess, type WatchedPool } from './measure-process.ts'
import { measureStore, type StoreOptions } from './measure-store.ts'
import { measureContainers } from './open-worker-metrics.ts'

/**
 * What the server counts of itself, in the text format of Prometheus. No label names a repository, nor
 * anything else that strangers can make more of.
 */
export interface Metrics {
  readonly contentType: string
  /** All of it. Never rejects because of the database: what it did not say in time is left out. */
  scrape(): Promise<string>
  requests: RequestFigures
  github: GithubFigures
  ledger: LedgerFigures
  webhooks: WebhookFigures
  handlers: HandlerFigures
  traces: SpanFigures
  ports: MeasuredPorts
  /** Wraps what says who is asking. Once. */
  measureIdentity: ReturnType<typeof measureIdentity>
  /** The pool is asked at every scrape. */
  watchDatabase(pool: WatchedPool): void
  /** The bus is asked at every scrape. */
  watchJobBus(bus: WatchedJobBus): void
  /** Told of the events that this server numbered: each event is counted by one server. */
  observeEvents(events: readonly StoredEvent[]): void
  /** `count` is asked at every scrape for the sockets that are open. */
  watchSockets(count: () => number): void
  /** `sizes` is asked at every scrape for how many containers wait in each runner class. */
  watchPool(sizes: () => ReadonlyMap<string, number>): void
}

export function openMetrics(
  deps: { db: Kysely<Tables>; log: Log; version: string; dataDir?: string },
  options: StoreOptions = {},
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  measureProcess(registry, deps)
  const sockets = new Gauge({
    name: 'slipway_sockets',
    help: 'WebSocket clients of this server.',
    registers,
  })
  let countSockets = () => 0
  const events = countEvents(deps, registry)
  const store = measureStore(deps, registry, options)
  return {
    contentType: registry.contentType,
    async scrape() {
      await Promise.all([store.refresh(), events.settled()])
      sockets.set(countSockets())
      return registry.metrics()
    },
    requests: countRequests(registry),
    ledger: countLedger(registry),
    webhooks: countWebhooks(registry),
    handlers: countHandlers(registry),
    traces: countTraces(registry),
    ports: measurePorts(registry),
    measureIdentity: measureIdentity(registry),
    watchDatabase: measurePool(registry),
    watchJobBus: measureJobBus(registry),
    github: countGithub(registry),
    observeEvents: (happened) => events.observe(happened),
    watchSockets: (count) => void (countSockets = count),
    watchPool: measureContainers(registry),
  }
}
