import { AppError } from '../../../errors.ts'
import {
  awaitStart,
  type JobTracker,
  type Kubernetes,
  type Pod,
  readPod,
  settleLater,
} from '../../../kubernetes/index.ts'
import type { ContainerExit } from '../../../ports/container-host.ts'
import type { ContainerId } from './container-id.ts'
import {
  type ContainerJob,
  exitOf,
  imageOf,
  type KnownPod,
  neverSeen,
  startTimeoutOf,
} from './read-container.ts'

export interface WatchDeps {
  kubernetes: Kubernetes
  tracker: JobTracker
  /** The Job; rejects with `resource_not_found` where there is none. Waits while the cluster is away. */
  readJob(id: ContainerId, signal: AbortSignal): Promise<ContainerJob>
  wasStopped(id: ContainerId): boolean
}

export interface WatchedContainer {
  /** The pod once its command runs, or has run; null: it ended without. Rejects like `ended`. */
  started: Promise<Pod | null>
  /** Rejects with `resource_not_found` where its Job is gone. */
  ended: Promise<ContainerExit>
  /** Gives both up. */
  close(): void
}

/** Milliseconds between two looks at whether a Job is still there whose end nobody told. */
const lookMs = 30_000
/** Milliseconds that a pod's end has to be told when its Job has ended. */
const settleMs = 2_000

/**
 * Follows a container to its end. One that was let go has the time of its class to start; where it does not, that
 * is its end.
 */
export function watchContainer(
  deps: WatchDeps,
  id: ContainerId,
  signal: AbortSignal,
): WatchedContainer {
  const { tracker } = deps
  const over = new AbortController()
  const until = AbortSignal.any([signal, over.signal])
  const started = settleLater<Pod | null>()
  const ended = settleLater<ContainerExit>()
  started.promise.catch(() => {})
  ended.promise.catch(() => {})
  let job: ContainerJob | null = null
  let pod: KnownPod = null
  let isStarting = false
  let settling: NodeJS.Timeout | undefined
  let looking: NodeJS.Timeout | undefined

  const fail = (error: unknown) => {
    started.reject(error)
    ended.reject(error)
  }
  const end = (exit: ContainerExit, ran: Pod | null) => {
    started.resolve(ran)
    ended.resolve(exit)
  }
  const judge = () => {
    if (job === null) return
    const wasStopped = deps.wasStopped(id)
    const exit = exitOf(job, pod, wasStopped)
    if (exit === null) {
      if (pod !== null && readPod(pod.object).kind === 'running') started.resolve(pod.object)
      return start(job)
    }
    if (pod !== null) return end(exit, exit.mayNotHaveRun ? null : pod.object)
    // Its pod is told of by another connection.
    settling ??= setTimeout(() => {
      if (pod === null) end(exit, null)
    }, settleMs)
  }
  const start = (now: ContainerJob) => {
    if (isStarting || now.spec?.suspend === true) return
    isStarting = true
    const { startTime } = now.status ?? {}
    const passed = startTime === undefined ? 0 : Date.now() - Date.parse(startTime)
    const what = `A container of ${imageOf(now)}`
    const timeoutMs = Math.max(1_000, startTimeoutOf(now) - passed)
    void awaitStart(deps, { ...id, what, timeoutMs, late: 'invalid_request' }, until).catch(
      (error: unknown) => {
        if (until.aborted) return
        // What has ended is told by its pod.
        setTimeout(() => {
          if (error instanceof AppError && !until.aborted) {
            end({ ...neverSeen(error.message), mayNotHaveRun: true }, null)
          } else fail(error)
        }, settleMs)
      },
    )
  }
  const stop = tracker.watch(id, {
    pod(object, isGone) {
      pod = { object, isGone }
      judge()
    },
    job(object, isGone) {
      if (isGone) return fail(gone())
      job = object
      judge()
    },
  })
  /** What a watch has not told: that there is no such Job any more, or never was. */
  const look = async () => {
    try {
      job = await deps.readJob(id, until)
      judge()
      looking = setTimeout(() => void look(), lookMs)
    } catch (error) {
      fail(error)
    }
  }
  const abort = () => fail(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  else void look()

  return {
    started: started.promise,
    ended: ended.promise,
    close() {
      stop()
      over.abort(new Error('no longer watched'))
      signal.removeEventListener('abort', abort)
      clearTimeout(settling)
      clearTimeout(looking)
    },
  }
}

export function gone(): AppError {
  return new AppError('resource_not_found', 'There is no such container in the cluster')
}
