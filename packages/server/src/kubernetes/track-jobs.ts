import type { Logger } from 'pino'
import type { Kubernetes } from './connect-kubernetes.ts'
import { followObjects } from './follow-objects.ts'
import type { Pod } from './pod-state.ts'
import { jobs, type KubernetesObject, pods, type Resource } from './resources.ts'

/** What a cluster says of a job; only what is read here. */
export interface Job extends KubernetesObject {
  spec?: { suspend?: boolean }
  status?: {
    startTime?: string
    completionTime?: string
    conditions?: { type: string; status: string; reason?: string; message?: string }[]
  }
}

export interface JobListener {
  /** `isGone`: as it was last seen. */
  pod(pod: Pod, isGone: boolean): void
  job(job: Job, isGone: boolean): void
}

export interface JobTracker {
  /**
   * Tells what becomes of one job and its pod, what is known of them first; answers how to end that. The pod of
   * a job that is still there is known after its end. `uid` of the job: others of the name are not meant.
   */
  watch(job: { name: string; uid?: string | undefined }, listener: JobListener): () => void
  close(): Promise<void>
}

/** What is known of one name. */
interface Known {
  job: Job | null
  pod: { object: Pod; isGone: boolean } | null
}

/**
 * Follows all jobs that a selector finds, and their pods, by two connections however many there are. Jobs and
 * pods alike have the name of the job in the label `label`.
 */
export function trackJobs(
  deps: { kubernetes: Kubernetes; log: Logger },
  { label, selector }: { label: string; selector: string },
): JobTracker {
  const { kubernetes, log } = deps
  const listeners = new Map<string, Set<JobListener>>()
  const all = new Map<string, Known>()
  const closing = new AbortController()
  const nameOf = ({ metadata }: KubernetesObject) => metadata.labels?.[label] ?? ''
  const knownOf = (name: string): Known => {
    const known = all.get(name) ?? { job: null, pod: null }
    all.set(name, known)
    return known
  }
  const failed = (error: unknown) => log.debug({ err: error }, 'the cluster cannot be watched now')
  const tellPod = (pod: Pod, isGone: boolean) => {
    const name = nameOf(pod)
    const known = knownOf(name)
    // One that goes late is not that of the job that has the name now.
    if (!isGone || known.pod?.object.metadata.uid === pod.metadata.uid) {
      known.pod = { object: pod, isGone }
    }
    if (isGone && known.job === null) all.delete(name)
    for (const listener of listeners.get(name) ?? []) listener.pod(pod, isGone)
  }
  const tellJob = (job: Job, isGone: boolean) => {
    const name = nameOf(job)
    const known = knownOf(name)
    if (!isGone) known.job = job
    else if (known.job?.metadata.uid === job.metadata.uid) {
      known.job = null
      if (known.pod === null || known.pod.isGone) all.delete(name)
    }
    for (const listener of listeners.get(name) ?? []) listener.job(job, isGone)
  }
  const follow = <T extends KubernetesObject>(
    resource: Resource,
    tell: (object: T, isGone: boolean) => void,
  ) =>
    followObjects<T>(
      kubernetes,
      { resource, labels: selector },
      { changed: (object) => tell(object, false), gone: (object) => tell(object, true), failed },
      closing.signal,
    )
  const followed = Promise.all([follow<Pod>(pods, tellPod), follow<Job>(jobs, tellJob)])
  return {
    watch({ name, uid }, listener) {
      const own = uid === undefined ? listener : onlyOf(uid, listener)
      const others = listeners.get(name) ?? new Set()
      listeners.set(name, others.add(own))
      const { job = null, pod = null } = all.get(name) ?? {}
      if (job !== null) own.job(job, false)
      if (pod !== null) own.pod(pod.object, pod.isGone)
      return () => {
        others.delete(own)
        if (others.size === 0 && listeners.get(name) === others) listeners.delete(name)
      }
    },
    async close() {
      closing.abort(new Error('closed'))
      await followed
    },
  }
}

function onlyOf(uid: string, listener: JobListener): JobListener {
  return {
    pod(pod, isGone) {
      if (pod.metadata.ownerReferences?.some((owner) => owner.uid === uid)) {
        listener.pod(pod, isGone)
      }
    },
    job(job, isGone) {
      if (job.metadata.uid === uid) listener.job(job, isGone)
    },
  }
}
