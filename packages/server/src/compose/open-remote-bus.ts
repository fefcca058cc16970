import type { Logger } from 'pino'
import { createNatsJobBus } from '../adapters/job-bus/nats/create-nats-job-bus.ts'
import { createRemoteJobBus } from '../adapters/job-bus/remote/create-remote-job-bus.ts'
import type { Config } from '../config/read-config.ts'
import type { Tracer } from '../correlation.ts'
import type { WorkLedger } from '../jobs/index.ts'
import type { WorkerMetrics } from '../metrics/index.ts'
import type { JobBus } from '../ports/job-bus.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { WorkerApi } from '../ports/worker-api.ts'
import { traceJobs } from '../telemetry/index.ts'
import type { Resources } from '../resources.ts'

/** What brings jobs to a worker on another machine: NATS where the settings name it, else its server. */
export async function openRemoteBus(
  config: Pick<Config, 'nats'>,
  log: Logger,
  deps: {
    ledger: WorkLedger
    objects: ObjectStore
    api: WorkerApi
    workerId: string
    onDrain: () => void
    tracer: Tracer | null
    metrics: Pick<WorkerMetrics, 'handlers' | 'watchJobBus'>
  },
  resources: Resources,
): Promise<JobBus> {
  const { workerId, tracer, metrics } = deps
  const bus = createBus(config, log, deps)
  await bus.open()
  resources.add('job bus', bus, (opened) => opened.close())
  metrics.watchJobBus(bus)
  return traceJobs(bus, { tracer, workerId, figures: metrics.handlers })
}

function createBus(
  config: Pick<Config, 'nats'>,
  log: Logger,
  deps: Parameters<typeof openRemoteBus>[2],
): JobBus {
  if (config.nats === null) return createRemoteJobBus({ ...deps, log })
  const { replicas: _, ...connection } = config.nats
  const { ledger, objects } = deps
  // The server knows which rooms want to be told of the end of a job.
  return createNatsJobBus({ connection, log, ledger, objects, isOwned: () => true })
}
