import { Gauge, Registry } from 'prom-client'
import type { HandlerFigures, SpanFigures } from '../telemetry/index.ts'
import { countHandlers } from './count-jobs.ts'
import { countTraces } from './count-traces.ts'
import { measureJobBus, type WatchedJobBus } from './measure-job-bus.ts'
import { type MeasuredPorts, measurePorts } from './measure-ports.ts'
import { measureProcess } from './measure-process.ts'

/** What a worker of a machine of its own counts of itself, in the text format of Prometheus. */
export interface WorkerMetrics {
  readonly contentType: string
  scrape(): Promise<string>
  handlers: HandlerFigures
  traces: SpanFigures
  ports: MeasuredPorts
  /** The bus is asked at every scrape. */
  watchJobBus(bus: WatchedJobBus): void
  /** `sizes` is asked at every scrape for how many containers wait in each runner class. */
  watchPool(sizes: () => ReadonlyMap<string, number>): void
}

export function openWorkerMetrics(deps: { version: string; dataDir: string }): WorkerMetrics {
  const registry = new Registry()
  measureProcess(registry, deps)
  return {
    contentType: registry.contentType,
    scrape: () => registry.metrics(),
    handlers: countHandlers(registry),
    traces: countTraces(registry),
    ports: measurePorts(registry),
    watchJobBus: measureJobBus(registry),
    watchPool: measureContainers(registry),
  }
}

/** Containers of runner classes. */
export function measureContainers(registry: Registry): WorkerMetrics['watchPool'] {
  let poolSizes = (): ReadonlyMap<string, number> => new Map()
  new Gauge({
    name: 'slipway_runner_pool_size',
    help: 'Containers that were created before they are needed, and wait.',
    labelNames: ['class'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [name, size] of poolSizes()) this.set({ class: name }, size)
    },
  })
  return (sizes) => void (poolSizes = sizes)
}
