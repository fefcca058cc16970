import { join } from 'node:path'
import type { Logger } from 'pino'
import { createDockerContainerHost } from '../adapters/container-host/docker/create-docker-container-host.ts'
import type { Config } from '../config/read-config.ts'
import type { DockerOptions } from '../docker/index.ts'
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

/** Delegations that are looked after where no class says how many: those of classes that are gone. */
const leastCapacity = 4

/** The containers of delegated jobs; the engine is contacted when something needs it. */
export function openContainerHost(
  config: Config,
  docker: DockerOptions,
  resources: Resources,
): ContainerHost {
  const host = createDockerContainerHost({
    ...docker,
    pull: config.images.pull,
    // With the time of each line, which the engine keeps too.
    logBytes: config.steps.outputLimitBytes * 2,
  })
  return resources.add('container host', host, (opened) => opened.close())
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
