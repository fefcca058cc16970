import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import { keepWorker, type KeepWorkerDeps, type WorkerIdentity } from '../jobs/index.ts'
import type { JobBus, JobSubscription } from '../ports/job-bus.ts'
import type { Resources } from '../resources.ts'
import {
  type ArtifactDeps,
  buildTypes,
  type ControlPlane,
  delegationTypes,
  openSecretFolder,
  startWorker,
  workerTypes,
} from '../worker/index.ts'
import {
  delegationCapacity,
  type OpenedForDelegations,
  startDelegationWork,
} from './open-container-host.ts'
import { type OpenedForBuilds, startBuildWork } from './start-builds.ts'

/** Job types that this program can do at all. */
export const allTypes: readonly string[] = [...workerTypes, ...buildTypes, ...delegationTypes]

/** A worker at work. */
export interface Work {
  /** Jobs in hand. */
  active(): number
  /** Takes nothing new, and resolves when what is in hand is done. */
  drain(): Promise<void>
}

export interface WorkDeps extends Pick<
  Parameters<typeof startWorker>[0],
  'executor' | 'logs' | 'mirrors'
> {
  bus: JobBus
  control: ControlPlane
  artifacts: ArtifactDeps
  building: OpenedForBuilds
  delegating: OpenedForDelegations
  identity: Pick<WorkerIdentity, 'id' | 'name' | 'home' | 'version'>
  /** What it does; nothing: it is kept in the ledger for its duties alone. */
  types: readonly string[]
  keep: KeepWorkerDeps
  /** Says that this worker is gone. */
  leave: () => Promise<unknown>
  /** It has been told to take no new jobs. */
  onDrain?: () => void
}

/** Registers a worker of this process, and has it take jobs of its types. */
export async function startWork(
  config: Config,
  log: Logger,
  deps: WorkDeps,
  resources: Resources,
): Promise<Work> {
  const { bus, control, artifacts, executor, logs, mirrors, types } = deps
  const { id: workerId, home } = deps.identity
  const capacity = capacityOf(config, types)
  const subscriptions: JobSubscription[] = []
  let isDraining = false
  const drain = async () => {
    isDraining = true
    await Promise.all(subscriptions.map((subscription) => subscription.drain()))
  }
  const kept = await keepWorker(deps.keep, {
    worker: { ...deps.identity, types, capacity },
    onLost: () => {
      for (const subscription of subscriptions) subscription.abandon()
    },
    onDrain: () => {
      log.info({ worker_id: workerId }, 'told to take no new jobs')
      void drain()
      deps.onDrain?.()
    },
  })
  resources.add('worker', kept, async (worker) => {
    await worker.close()
    await deps.leave()
  })
  const secretFiles = await openSecretFolder({ dataDir: config.dataDir })
  resources.add('secret files', secretFiles, (folder) => folder.close())
  const workDirectory = join(config.dataDir, 'work')
  const add = (subscription: JobSubscription) => {
    subscriptions.push(subscription)
    // Told before there was anything to drain.
    if (isDraining) void subscription.drain()
  }
  const ofRuns = workerTypes.filter((type) => types.includes(type))
  const forRuns = {
    ...artifacts,
    bus,
    control,
    executor,
    logs,
    mirrors,
    log,
    workerId,
    workDirectory,
    cacheDirectory: join(config.dataDir, 'cache'),
    secretsDirectory: secretFiles.directory,
    stepsInImages: config.executor.kind !== 'process',
    stepLimits: {
      outputBytes: config.steps.outputLimitBytes,
      memoryBytes: config.steps.memoryLimitBytes,
      pids: config.steps.pidsLimit,
      cpus: config.steps.cpuLimit,
    },
  }
  const subscription = await startWorker(forRuns, {
    types: ofRuns,
    capacity: config.worker.capacity,
  })
  if (subscription !== null) {
    add(resources.add('subscription', subscription, (started) => started.close()))
  }
  if (types.some((type) => buildTypes.includes(type))) {
    const building = { ...deps.building, bus, logs, mirrors, workerId, workDirectory }
    add(await startBuildWork(config, log, building, resources))
  }
  if (types.some((type) => delegationTypes.includes(type))) {
    const delegating = { ...deps.delegating, bus, logs, workerId, home }
    add(startDelegationWork(config, log, delegating, resources))
  }
  return {
    active: () => subscriptions.reduce((sum, { active }) => sum + active, 0),
    drain,
  }
}

/** Jobs at once, of all types together. */
function capacityOf(config: Config, types: readonly string[]): number {
  const has = (some: readonly string[]) => some.some((type) => types.includes(type))
  return (
    (has(workerTypes) ? config.worker.capacity : 0) +
    (has(buildTypes) ? config.builds.capacity : 0) +
    (has(delegationTypes) ? delegationCapacity(config) : 0)
  )
}
