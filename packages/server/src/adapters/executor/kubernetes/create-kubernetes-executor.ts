import { realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import { createNetworkCheck, type Kubernetes, trackJobs } from '../../../kubernetes/index.ts'
import type { Executor } from '../../../ports/executor.ts'
import { contains } from '../check-spec.ts'
import { createLiveExecutor } from '../live-executor.ts'
import type { PodDefaults } from './describe-job.ts'
import { endLeftovers } from './end-leftovers.ts'
import type { SharedVolume } from './place-files.ts'
import { type ExecutorHost, startExecution, stepLabel } from './start-execution.ts'

export interface KubernetesExecutorOptions {
  kubernetes: Kubernetes
  /** Absolute directory of the executor's own on the volume, made if absent; one live executor at a time. */
  stateDir: string
  volume: SharedVolume
  pods: Omit<PodDefaults, 'claim'>
  /** Milliseconds that a pod has to start, its node and its image included. */
  startTimeoutMs: number
  log: Logger
}

/** Whose jobs and pods are: an id that the state directory holds. */
const ownerLabel = 'slipway.dev/executor'
const checkMs = 5_000

/**
 * Commands in Jobs of a cluster, which share a volume with this process. The API server may be away when it
 * opens: what a dead server left there is ended before the first command starts.
 */
export function createKubernetesExecutor(options: KubernetesExecutorOptions): Executor {
  const { kubernetes, log, volume } = options
  return createLiveExecutor<ExecutorHost>({
    name: 'kubernetes',
    stateDir: options.stateDir,
    log,
    isolation: `pods in namespace ${kubernetes.namespace} of the cluster at ${kubernetes.address}, without capabilities; memory and cpu limited by it, processes by its nodes`,
    async open({ owner, ...life }) {
      const path = await realpath(volume.path)
      if (!contains(path, life.stateDir)) {
        throw new AppError(
          'unavailable',
          `The data directory is not on the volume of KUBERNETES_VOLUME_CLAIM, which is said to be at ${volume.path}`,
        )
      }
      // Nobody reads those of a predecessor any more.
      await rm(join(life.stateDir, 'flow'), { recursive: true, force: true })
      const labels = { 'app.kubernetes.io/managed-by': 'slipway', [ownerLabel]: owner }
      return {
        ...life,
        kubernetes,
        tracker: trackJobs({ kubernetes, log }, { label: stepLabel, selector: selectorOf(labels) }),
        checkNetwork: createNetworkCheck(kubernetes),
        log,
        volume: { claim: volume.claim, path },
        defaults: { ...options.pods, claim: volume.claim },
        labels,
        startTimeoutMs: options.startTimeoutMs,
      }
    },
    endLeftovers: ({ labels }, closing) =>
      endLeftovers(kubernetes, selectorOf(labels), log, closing),
    leftoversFailed(error) {
      // It may be away, or still refuse us; every start tells.
      log.warn({ err: error }, 'what an earlier server left in the cluster cannot be ended now')
    },
    check: () => kubernetes.check(AbortSignal.timeout(checkMs)),
    start: startExecution,
    close: ({ tracker }) => tracker.close(),
  })
}

function selectorOf(labels: Readonly<Record<string, string>>): string {
  return `${ownerLabel}=${labels[ownerLabel]}`
}
