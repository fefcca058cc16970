import type { Kysely } from 'kysely'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Log } from '../db/log.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { StoredEvent } from '../events/index.ts'
import { countEvents } from './count-events.ts'
import { countGithub, type GithubFigures } from './count-github.ts'
import { countRequests, type RequestFigures } from './count-requests.ts'
import { measureStore, type StoreOptions } from './measure-store.ts'

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
  /** Told of the events that this server numbered: each event is counted by one server. */
  observeEvents(events: readonly StoredEvent[]): void
  /** `count` is asked at every scrape for the sockets that are open. */
  watchSockets(count: () => number): void
  /** `sizes` is asked at every scrape for how many containers wait in each runner class. */
  watchPool(sizes: () => ReadonlyMap<string, number>): void
}

/** They are no numbers, or absurd ones, when nothing was sampled since the last scrape. */
const ofNoSamples = ['mean', 'stddev', 'min'].map((of) => `nodejs_eventloop_lag_${of}_seconds`)

export function openMetrics(
  deps: { db: Kysely<Tables>; log: Log; version: string },
  options: StoreOptions = {},
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  for (const name of ofNoSamples) registry.removeSingleMetric(name)
  new Gauge({
    name: 'slipway_build_info',
    help: 'Always 1; the version is in the label.',
    labelNames: ['version'],
    registers,
  }).set({ version: deps.version }, 1)
  const sockets = new Gauge({
    name: 'slipway_sockets',
    help: 'WebSocket clients of this server.',
    registers,
  })
  let countSockets = () => 0
  let poolSizes = (): ReadonlyMap<string, number> => new Map()
  new Gauge({
    name: 'slipway_runner_pool_size',
    help: 'Containers that were created before they are needed, and wait.',
    labelNames: ['class'],
    registers,
    collect() {
      this.reset()
      for (const [name, size] of poolSizes()) this.set({ class: name }, size)
    },
  })
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
    github: countGithub(registry),
    observeEvents: (happened) => events.observe(happened),
    watchSockets: (count) => void (countSockets = count),
    watchPool: (sizes) => void (poolSizes = sizes),
  }
}
