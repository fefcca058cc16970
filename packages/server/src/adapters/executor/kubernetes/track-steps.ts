import type { Logger } from 'pino'
import {
  followObjects,
  jobs,
  type Kubernetes,
  type KubernetesObject,
  pods,
} from '../../../kubernetes/index.ts'
import type { Pod } from './pod-state.ts'

/** What a cluster says of a job; only what is read here. */
export interface Job extends KubernetesObject {
  status?: { conditions?: { type: string; status: string; reason?: string; message?: string }[] }
}

/** Label of jobs and pods alike: the name of the job. */
export const stepLabel = 'slipway.dev/step'

export interface StepListener {
  /** `isGone`: as it was last seen. */
  pod(pod: Pod, isGone: boolean): void
  job(job: Job, isGone: boolean): void
}

export interface StepTracker {
  /** Tells what becomes of one job and its pod, what is known of them first; answers how to end that. */
  watch(name: string, listener: StepListener): () => void
  close(): Promise<void>
}

/** Follows all jobs and pods of an executor, by two connections however many there are. */
export function trackSteps(
  deps: { kubernetes: Kubernetes; log: Logger },
  ownerSelector: string,
): StepTracker {
  const { kubernetes, log } = deps
  const listeners = new Map<string, StepListener>()
  const known = { pods: new Map<string, Pod>(), jobs: new Map<string, Job>() }
  const closing = new AbortController()
  const nameOf = ({ metadata }: KubernetesObject) => metadata.labels?.[stepLabel] ?? ''
  const failed = (error: unknown) => log.debug({ err: error }, 'the cluster cannot be watched now')
  const followed = Promise.all([
    followObjects<Pod>(
      kubernetes,
      { resource: pods, labels: ownerSelector },
      {
        changed(pod) {
          known.pods.set(nameOf(pod), pod)
          listeners.get(nameOf(pod))?.pod(pod, false)
        },
        gone(pod) {
          known.pods.delete(nameOf(pod))
          listeners.get(nameOf(pod))?.pod(pod, true)
        },
        failed,
      },
      closing.signal,
    ),
    followObjects<Job>(
      kubernetes,
      { resource: jobs, labels: ownerSelector },
      {
        changed(job) {
          known.jobs.set(nameOf(job), job)
          listeners.get(nameOf(job))?.job(job, false)
        },
        gone(job) {
          known.jobs.delete(nameOf(job))
          listeners.get(nameOf(job))?.job(job, true)
        },
        failed,
      },
      closing.signal,
    ),
  ])
  return {
    watch(name, listener) {
      listeners.set(name, listener)
      const job = known.jobs.get(name)
      if (job !== undefined) listener.job(job, false)
      const pod = known.pods.get(name)
      if (pod !== undefined) listener.pod(pod, false)
      return () => void listeners.delete(name)
    },
    async close() {
      closing.abort(new Error('closed'))
      await followed
    },
  }
}
