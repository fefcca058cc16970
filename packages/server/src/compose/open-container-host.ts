import { access, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import { createHostByPod } from '../adapters/container-host/choose-by-pod.ts'
import { createDockerContainerHost } from '../adapters/container-host/docker/create-docker-container-host.ts'
import { createKubernetesContainerHost } from '../adapters/container-host/kubernetes/create-kubernetes-container-host.ts'
import type { Config } from '../config/read-config.ts'
import { hasCode } from '../directories.ts'
import type { DockerOptions } from '../docker/index.ts'
import { StartupError } from '../errors.ts'
import type { ContainerHost } from '../ports/container-host.ts'
import type { Executor } from '../ports/executor.ts'
import type { JobBus, JobSubscription } from '../ports/job-bus.ts'
import type { Resources } from '../resources.ts'
import { type DelegationControl, defineWarm } from '../runners/index.ts'
import type { Vault } from '../secrets/index.ts'
import {
  createWarmPool,
  type DelegationWorkDeps,
  keepTidy,
  openDelegationSecrets,
  startDelegations,
} from '../worker/index.ts'
import { openCluster } from './open-cluster.ts'

/** A file of the data directory: its jobs have had pods in a cluster. */
const podsMark = join('delegations', 'in-a-cluster')
/** Delegations that are looked after where no class says how many: those of classes that are gone. */
const leastCapacity = 4

/**
 * The containers of delegated jobs, on the engine and, where a class says so, in a cluster; both are contacted
 * when something needs them.
 *
 * @throws StartupError where a class needs a cluster and none is to be seen
 */
export async function openContainerHost(
  config: Config,
  docker: DockerOptions,
  deps: {
    log: Logger
    /** Of the data directory. */
    home: string
  },
  resources: Resources,
): Promise<ContainerHost> {
  const { runnerClasses } = config
  const inPods = runnerClasses.filter(({ executor }) => executor === 'kubernetes')
  const needsCluster = inPods.length > 0
  const engine = createDockerContainerHost({
    ...docker,
    pull: config.images.pull,
    // With the time of each line, which the engine keeps too.
    logBytes: config.steps.outputLimitBytes * 2,
  })
  const cluster = await openPods(config, deps, inPods[0]?.name ?? null, resources)
  const host =
    cluster === null
      ? engine
      : createHostByPod({
          engine,
          cluster,
          needsEngine: !needsCluster || inPods.length < runnerClasses.length,
          needsCluster,
        })
  return resources.add('container host', host, (opened) => opened.close())
}

/** Null: no class needs a cluster, and none is known to have anything of ours. */
async function openPods(
  config: Config,
  { log, home }: { log: Logger; home: string },
  /** Null: no class needs it. */
  className: string | null,
  resources: Resources,
): Promise<ContainerHost | null> {
  if (className !== null) await markPods(config)
  else if (!(await mayHavePods(config))) return null
  const { namespace } = config.cluster
  const why = `runners.classes: ${className} has executor: kubernetes`
  try {
    return createKubernetesContainerHost({
      kubernetes: await openCluster(config, { namespace, why }, resources),
      owner: home,
      pullPolicy: config.images.pull.policy === 'never' ? 'Never' : 'IfNotPresent',
      log,
    })
  } catch (error) {
    if (className !== null || !(error instanceof StartupError)) throw error
    log.warn({ err: error.cause }, 'what earlier classes left in a cluster cannot be looked for')
    return null
  }
}

/**
 * Whether a cluster may still have pods of classes that are not in the file any more: jobs are gone on with, and
 * what nobody needs is removed.
 */
async function mayHavePods({ cluster, dataDir }: Config): Promise<boolean> {
  if (cluster.kubeconfig === null && cluster.service === null) return false
  try {
    await access(join(dataDir, podsMark))
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

async function markPods({ dataDir }: Config): Promise<void> {
  const path = join(dataDir, podsMark)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFile(path, '', { mode: 0o600 })
}

/** A server that has runner classes is not whole without what runs their containers. */
export async function checkExecutors(
  { runnerClasses }: Config,
  executor: Pick<Executor, 'check'>,
  host: Pick<ContainerHost, 'check'>,
): Promise<void> {
  await executor.check()
  if (runnerClasses.length > 0) await host.check()
}

/** Delegations at once. */
export function delegationCapacity({ runnerClasses }: Config): number {
  const wanted = runnerClasses.reduce((sum, { maxRunners }) => sum + maxRunners, 0)
  return Math.max(leastCapacity, wanted)
}

/** What is opened elsewhere of all that delegations need. */
export interface OpenedForDelegations {
  delegations: DelegationControl
  host: ContainerHost
  vault: Vault
  /** Told where to ask for how many containers wait in each class. */
  watchPool?: (sizes: () => ReadonlyMap<string, number>) => void
}

/** Looks after the containers of delegations. */
export function startDelegationWork(
  config: Config,
  log: Logger,
  deps: OpenedForDelegations &
    Pick<DelegationWorkDeps, 'logs' | 'workerId'> & {
      bus: JobBus
      /** Of the data directory. */
      home: string
    },
  resources: Resources,
): JobSubscription {
  const { host, home: owner } = deps
  const classes = config.runnerClasses.map((each) => ({
    name: each.name,
    warm: each.warm,
    spec: defineWarm(each),
  }))
  const pool = createWarmPool({ host, log, owner }, classes)
  const work = {
    ...deps,
    log,
    owner,
    pool,
    secrets: openDelegationSecrets(deps.vault, join(config.dataDir, 'delegations')),
    outputBytes: config.steps.outputLimitBytes,
    inHand: new Set<string>(),
  }
  deps.watchPool?.(() => pool.sizes)
  pool.open()
  resources.add('warm containers', pool, (opened) => opened.close())
  const tidy = keepTidy(work)
  resources.add('container leftovers', tidy, (kept) => kept.close())
  const subscription = startDelegations(work, { capacity: delegationCapacity(config) })
  return resources.add('delegations', subscription, (started) => started.close())
}
