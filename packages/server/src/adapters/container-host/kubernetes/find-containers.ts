import { AppError } from '../../../errors.ts'
import {
  createBackOff,
  isGone,
  jobs,
  type JobTracker,
  type Kubernetes,
  KubernetesRefusal,
  type Pod,
  pods,
  type Resource,
} from '../../../kubernetes/index.ts'
import type { FoundContainer } from '../../../ports/container-host.ts'
import { type ContainerId, parseId } from './container-id.ts'
import { containerLabel, fittingLabels, ownerLabel } from './describe-pod.ts'
import { type ContainerJob, type KnownPod, toFound } from './read-container.ts'
import { gone } from './watch-container.ts'

const mostContainers = 10_000
const pageSize = 500

/** Looks for containers of one owner; no other host's are seen. Rejects as the cluster does. */
export interface ContainerFinder {
  /** Null: there is none of ours. */
  job(name: string, uid: string | null, signal: AbortSignal): Promise<ContainerJob | null>
  /** By its id; `resource_not_found` where there is none. */
  require(id: string, signal: AbortSignal): Promise<ContainerJob>
  /** The same; waits while the cluster is away. */
  await(id: ContainerId, signal: AbortSignal): Promise<ContainerJob>
  pods(id: ContainerId, signal: AbortSignal): Promise<Pod[]>
  all(
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<readonly FoundContainer[]>
  describe(job: ContainerJob, pods: readonly Pod[]): FoundContainer
}

export function createContainerFinder(deps: {
  kubernetes: Kubernetes
  owner: string
  tracker: () => JobTracker
  wasStopped: (id: ContainerId) => boolean
}): ContainerFinder {
  const { kubernetes, owner } = deps
  const ownSelector = `${ownerLabel}=${owner}`

  const listAll = async <T>(
    resource: Resource,
    labelSelector: string,
    signal: AbortSignal,
  ): Promise<T[]> => {
    const found: T[] = []
    let from: string | undefined
    do {
      const query = { labelSelector, limit: String(pageSize), continue: from }
      const page = await kubernetes.json<{ items: T[]; metadata: { continue?: string } }>(
        { method: 'GET', resource, query },
        signal,
      )
      found.push(...page.items)
      from = page.metadata.continue === '' ? undefined : page.metadata.continue
    } while (from !== undefined && found.length < mostContainers)
    return found
  }
  /** A pod that somebody deleted is known as long as its Job is there. */
  const lastKnown = (id: ContainerId): KnownPod => {
    let found: KnownPod = null
    const stop = deps.tracker().watch(id, {
      pod: (object, isPast) => (found = { object, isGone: isPast }),
      job() {},
    })
    stop()
    return found
  }
  const finder: ContainerFinder = {
    async job(name, uid, signal) {
      try {
        const asked = { method: 'GET', resource: jobs, name } as const
        const job = await kubernetes.json<ContainerJob>(asked, signal)
        const { labels = {}, uid: found, deletionTimestamp } = job.metadata
        const isOurs = labels[containerLabel] === name && labels[ownerLabel] === owner
        const isMeant = uid === null || uid === found
        return isOurs && isMeant && deletionTimestamp === undefined ? job : null
      } catch (error) {
        if (isGone(error)) return null
        throw error
      }
    },
    async require(id, signal) {
      const parsed = parseId(id)
      const job = parsed === null ? null : await finder.job(parsed.name, parsed.uid, signal)
      if (job === null) throw gone()
      return job
    },
    async await(id, signal) {
      const back = createBackOff()
      for (;;) {
        try {
          const job = await finder.job(id.name, id.uid, signal)
          if (job === null) throw gone()
          return job
        } catch (error) {
          if (!isPassing(error)) throw error
          await back.pause(signal)
        }
      }
    },
    async pods({ name, uid }, signal) {
      const all = await listAll<Pod>(pods, `${ownSelector},${containerLabel}=${name}`, signal)
      return all.filter((pod) => isOwnedBy(pod, uid))
    },
    async all(labels, signal) {
      const fitting = Object.entries(fittingLabels(labels)).map(([key, value]) => `${key}=${value}`)
      const selector = [ownSelector, ...fitting].join(',')
      const [found, all] = await Promise.all([
        listAll<ContainerJob>(jobs, selector, signal),
        listAll<Pod>(pods, selector, signal),
      ])
      const byJob = new Map<string, Pod[]>()
      for (const pod of all) {
        for (const { uid } of pod.metadata.ownerReferences ?? []) {
          byJob.set(uid, [...(byJob.get(uid) ?? []), pod])
        }
      }
      return found
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map((job) => finder.describe(job, byJob.get(job.metadata.uid) ?? []))
        .filter((each) => Object.entries(labels).every(([key, is]) => each.labels[key] === is))
    },
    describe(job, own) {
      const [object] = own
      const pod = object === undefined ? lastKnown(job.metadata) : { object, isGone: false }
      return toFound(job, pod, deps.wasStopped(job.metadata))
    },
  }
  return finder
}

/** The cluster is away, or has too much to do. */
function isPassing(error: unknown): boolean {
  if (error instanceof KubernetesRefusal) return error.status === 429 || error.status >= 500
  return error instanceof AppError && error.code === 'unavailable'
}

function isOwnedBy({ metadata }: Pod, uid: string): boolean {
  return metadata.ownerReferences?.some((owner) => owner.uid === uid) === true
}
