import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { Tracer } from '../correlation.ts'
import { giveUpMs } from '../jobs/index.ts'
import { openWorkerMetrics, type WorkerMetrics } from '../metrics/index.ts'
import { serveProbes, type WorkerHealth } from '../remote/serve-probes.ts'
import type { Resources } from '../resources.ts'
import { openTracer } from '../telemetry/index.ts'

/** What is known of a worker's health as it goes. */
export interface WatchedHealth {
  /** The server has answered a heartbeat. */
  heard(): void
  /** It works; `drained` resolves when it is told to take no new jobs. */
  working(work: { active: () => number; drained: Promise<void> }): void
}

/** What a worker of a machine of its own tells of itself. */
export interface WorkerTelemetry {
  metrics: WorkerMetrics
  /** Null: nothing is traced. */
  tracer: Tracer | null
  health: WatchedHealth
}

/** Opens it, and has the worker asked how it is where the settings say. */
export async function openWorkerTelemetry(
  config: Config,
  log: Logger,
  version: string,
  resources: Resources,
): Promise<WorkerTelemetry> {
  const metrics = openWorkerMetrics({ version, dataDir: config.dataDir })
  const deps = { log, version, figures: metrics.traces }
  const opened = await openTracer(deps, config.tracing)
  resources.add('traces', opened, (tracing) => tracing.close())
  const health = watchHealth()
  const { port } = config.worker
  if (port !== null) {
    const { host } = config.http
    const probes = await serveProbes({ metrics, health }, { host, port })
    resources.add('probes', probes, (serving) => serving.close())
    log.info({ host, port: probes.port }, 'metrics and health are shown')
  }
  return { metrics, tracer: opened.tracer, health }
}

function watchHealth(): WatchedHealth & WorkerHealth {
  let heardAt: number | null = null
  let active = () => 0
  let isDraining = false
  return {
    heard: () => void (heardAt = performance.now()),
    working(work) {
      ;({ active } = work)
      void work.drained.then(() => (isDraining = true))
    },
    problem() {
      if (heardAt === null) return 'the server has not answered yet'
      const silentMs = performance.now() - heardAt
      if (silentMs < giveUpMs) return null
      return `the server has not answered for ${Math.round(silentMs / 1000)} s`
    },
    draining: () => isDraining,
    active: () => active(),
  }
}
