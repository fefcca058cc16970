import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import { type DeploymentsDeps, deployUnasked } from '../deployments/index.ts'
import { keepWorker, releaseWorker } from '../jobs/index.ts'
import type { JobSubscription } from '../ports/job-bus.ts'
import { createRunRelease, type ReleasesDeps } from '../releases/index.ts'
import type { Resources } from '../resources.ts'
import {
  beginAttempt,
  completeDiscovery,
  locateRunRepository,
  readRunSecrets,
  reportWork,
  storeArtifact,
} from '../runs/index.ts'
import {
  buildTypes,
  delegationTypes,
  openSecretFolder,
  startWorker,
  workerTypes,
} from '../worker/index.ts'
import type { openArtifacts } from './open-artifacts.ts'
import type { OpenedSecrets } from './open-secrets.ts'
import type { openJobs } from './open-jobs.ts'
import {
  delegationCapacity,
  type OpenedForDelegations,
  startDelegationWork,
} from './open-container-host.ts'
import { type OpenedForBuilds, startBuildWork } from './start-builds.ts'

/** The worker of this process. */
export async function startWork(
  config: Config,
  log: Logger,
  deps: Awaited<ReturnType<typeof openJobs>> &
    Pick<Parameters<typeof startWorker>[0], 'executor' | 'logs' | 'mirrors'> & {
      releases: ReleasesDeps
      deployments: DeploymentsDeps
      artifacts: ReturnType<typeof openArtifacts>
      vaulted: Pick<OpenedSecrets, 'secrets' | 'repositories'>
      building: OpenedForBuilds
      delegating: OpenedForDelegations
    },
  resources: Resources,
): Promise<void> {
  const { bus, runs, ledger, workerId, home, executor, logs, mirrors } = deps
  const { releases, artifacts, vaulted } = deps
  const { capacity } = config.worker
  const identity = {
    id: workerId,
    name: hostname(),
    home,
    types: [...workerTypes, ...buildTypes, ...delegationTypes],
    capacity: capacity + config.builds.capacity + delegationCapacity(config),
  }
  const subscriptions: JobSubscription[] = []
  const kept = await keepWorker(
    { db: runs.db, log },
    {
      worker: identity,
      onLost: () => {
        for (const subscription of subscriptions) subscription.abandon()
      },
    },
  )
  resources.add('worker', kept, async (worker) => {
    await worker.close()
    await releaseWorker(ledger, { workerId })
  })
  const secretFiles = await openSecretFolder({ dataDir: config.dataDir })
  resources.add('secret files', secretFiles, (folder) => folder.close())
  const workDirectory = join(config.dataDir, 'work')
  const subscription = await startWorker(
    {
      ...artifacts,
      bus,
      control: {
        completeDiscovery: (input) => completeDiscovery(runs, input),
        locateRepository: (input) => locateRunRepository(vaulted.repositories, input),
        beginAttempt: (input) => beginAttempt(runs, input),
        readSecrets: (input) => readRunSecrets(vaulted.secrets, input),
        reportWork: (input) => reportWork(runs, { principal: null, ...input }),
        deploy: (input) => deployUnasked(deps.deployments, input),
        completeArtifact: (input) => storeArtifact(runs, input),
        createRelease: (input, signal) => createRunRelease(releases, input, signal),
      },
      executor,
      logs,
      mirrors,
      log,
      workerId,
      workDirectory,
      cacheDirectory: join(config.dataDir, 'cache'),
      secretsDirectory: secretFiles.directory,
      stepLimits: {
        outputBytes: config.steps.outputLimitBytes,
        memoryBytes: config.steps.memoryLimitBytes,
        pids: config.steps.pidsLimit,
        cpus: config.steps.cpuLimit,
      },
    },
    { types: workerTypes, capacity },
  )
  resources.add('subscription', subscription, (started) => started.close())
  subscriptions.push(subscription)
  subscriptions.push(
    await startBuildWork(
      config,
      log,
      { ...deps.building, bus, logs, mirrors, workerId, workDirectory },
      resources,
    ),
    startDelegationWork(config, log, { ...deps.delegating, bus, logs, workerId, home }, resources),
  )
}
