import { setMaxListeners } from 'node:events'
import { mkdir, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import { createNetworkCheck, type Kubernetes, trackJobs } from '../../../kubernetes/index.ts'
import type { Execution, Executor } from '../../../ports/executor.ts'
import { contains } from '../check-spec.ts'
import { readOwner } from '../read-owner.ts'
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
/** Milliseconds between two looks at whether what was just starting has started. */
const lookMs = 20

/**
 * Commands in Jobs of a cluster, which share a volume with this process. The API server may be away when it
 * opens: what a dead server left there is ended before the first command starts.
 */
export function createKubernetesExecutor(options: KubernetesExecutorOptions): Executor {
  const { kubernetes, log, volume } = options
  const live = new Map<string, Execution | null>()
  const background = new Set<Promise<void>>()
  /** The one when closing begins, the other when everything has ended. */
  const stopping = new AbortController()
  const closing = new AbortController()
  // Every request of every step listens to them.
  setMaxListeners(0, stopping.signal, closing.signal)
  let host: ExecutorHost | null = null
  /** Until what a predecessor left has ended. */
  let clearing: Promise<void> | null = null
  let isClear = false

  const inBackground = (what: string, work: Promise<unknown>): void => {
    const settled = work.then(
      () => {},
      (error: unknown) => log.warn({ err: error }, `could not remove ${what}`),
    )
    background.add(settled)
    void settled.then(() => background.delete(settled))
  }
  const clear = async ({ labels }: ExecutorHost): Promise<void> => {
    if (isClear) return
    clearing ??= endLeftovers(kubernetes, selectorOf(labels), log, stopping.signal).then(
      () => void (isClear = true),
      (error: unknown) => {
        clearing = null
        throw error
      },
    )
    await clearing
  }
  const usable = (): ExecutorHost => {
    if (host === null) throw new AppError('unavailable', 'The executor is not open')
    return host
  }

  return {
    name: 'kubernetes',
    get isolation() {
      return host === null
        ? 'not open'
        : `pods in namespace ${kubernetes.namespace} of the cluster at ${kubernetes.address}, without capabilities; memory and cpu limited by it, processes by its nodes`
    },
    async open() {
      if (host !== null) throw new Error('The executor is open already')
      await mkdir(options.stateDir, { recursive: true, mode: 0o700 })
      const stateDir = await realpath(options.stateDir)
      const path = await realpath(volume.path)
      if (!contains(path, stateDir)) {
        throw new AppError(
          'unavailable',
          `The data directory is not on the volume of KUBERNETES_VOLUME_CLAIM, which is said to be at ${volume.path}`,
        )
      }
      // Nobody reads those of a predecessor any more.
      await rm(join(stateDir, 'flow'), { recursive: true, force: true })
      const labels = {
        'app.kubernetes.io/managed-by': 'slipway',
        [ownerLabel]: await readOwner(stateDir),
      }
      const opened: ExecutorHost = {
        kubernetes,
        tracker: trackJobs({ kubernetes, log }, { label: stepLabel, selector: selectorOf(labels) }),
        checkNetwork: createNetworkCheck(kubernetes),
        log,
        stateDir,
        volume: { claim: volume.claim, path },
        defaults: { ...options.pods, claim: volume.claim },
        labels,
        startTimeoutMs: options.startTimeoutMs,
        signal: closing.signal,
        inBackground,
      }
      try {
        await clear(opened)
      } catch (error) {
        // It may be away, or still refuse us; every start tells.
        log.warn({ err: error }, 'what an earlier server left in the cluster cannot be ended now')
      }
      host = opened
    },
    async check() {
      usable()
      await kubernetes.check(AbortSignal.timeout(checkMs))
    },
    async start(spec, sink, signal) {
      const opened = usable()
      if (live.has(spec.id)) {
        throw new AppError('resource_conflict', `An execution ${spec.id} is running already`)
      }
      live.set(spec.id, null)
      try {
        await clear(opened)
        const wanted =
          signal === undefined ? stopping.signal : AbortSignal.any([signal, stopping.signal])
        const execution = await startExecution(opened, spec, sink, wanted)
        live.set(spec.id, execution)
        void execution.done.then(() => live.delete(spec.id))
        if (host === null) execution.stop(0)
        return execution
      } catch (error) {
        live.delete(spec.id)
        throw error
      }
    },
    async close() {
      if (host === null) return
      const { tracker } = host
      host = null
      stopping.abort(new AppError('unavailable', 'The executor is closed'))
      while (live.size > 0) {
        const all = [...live.values()].filter((execution) => execution !== null)
        for (const execution of all) execution.stop()
        // One that is just starting shows up in the next round.
        await (all.length > 0 ? Promise.all(all.map(({ done }) => done)) : sleep(lookMs))
      }
      while (background.size > 0) await Promise.all(background)
      closing.abort(new AppError('unavailable', 'The executor is closed'))
      await tracker.close()
    },
  }
}

function selectorOf(labels: Readonly<Record<string, string>>): string {
  return `${ownerLabel}=${labels[ownerLabel]}`
}
