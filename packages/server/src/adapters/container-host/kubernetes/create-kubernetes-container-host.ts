import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import {
  awaitStart,
  createBackOff,
  createHeldJob,
  createJobSecret,
  createNetworkCheck,
  describeJobSecret,
  endPod,
  explainRefusal,
  isGone,
  jobs,
  type JobTracker,
  type Kubernetes,
  KubernetesRefusal,
  type Pod,
  pods,
  releaseJob,
  removeJob,
  type Resource,
  trackJobs,
} from '../../../kubernetes/index.ts'
import type { ContainerHost, ContainerSpec, FoundContainer } from '../../../ports/container-host.ts'
import { checkSpec, requireVariables } from './check-spec.ts'
import { type ContainerId, formatId, parseId } from './container-id.ts'
import {
  containerLabel,
  describePod,
  fittingLabels,
  notes,
  ownerLabel,
  ownLabels,
  secretsOf,
} from './describe-pod.ts'
import { followContainer } from './follow-container.ts'
import { graceSeconds, idleScript } from './job-script.ts'
import {
  type ContainerJob,
  imageOf,
  type KnownPod,
  startTimeoutOf,
  toFound,
} from './read-container.ts'
import { gone, watchContainer, type WatchDeps } from './watch-container.ts'

export interface KubernetesContainerHostOptions {
  kubernetes: Kubernetes
  /** Whose containers these are, at most 63 letters, digits and `-`: no other host looks at them. */
  owner: string
  /** Never: only images that a node has. */
  pullPolicy: 'IfNotPresent' | 'Never'
  log: Logger
}

const mostContainers = 10_000
const pageSize = 500
const checkMs = 5_000
/** Milliseconds for which what makes a container is repeated: who wants one has patience of their own. */
const patienceMs = 2_000
/** Milliseconds for removing one, and of these for its pod to be gone: of a lost node nobody knows. */
const removeMs = 150_000
const podGoneMs = 30_000
/** Milliseconds between two looks at whether a pod is gone. */
const lookMs = 100
/** Milliseconds for what is asked while it is stopped. */
const stopMs = 150_000
/** Containers that are remembered as ended at our own wish. */
const mostStopped = 10_000

/**
 * Containers as Jobs of a cluster, each with one pod: `create` makes a Job that is held back, `start` lets it go.
 * What hooks need of a container (further commands in it, others beside it, a host's directories) is not done.
 */
export function createKubernetesContainerHost(
  options: KubernetesContainerHostOptions,
): ContainerHost {
  const { kubernetes, owner, log } = options
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  const until = (signal: AbortSignal) => AbortSignal.any([signal, closing.signal])
  const within = (ms: number) => until(AbortSignal.timeout(ms))
  const networkChecks = {
    none: createNetworkCheck(kubernetes, 'none', patienceMs),
    internet: createNetworkCheck(kubernetes, 'internet', patienceMs),
    cluster: async () => {},
  }
  const ownSelector = `${ownerLabel}=${owner}`
  const stopped = new Set<string>()
  let opened: JobTracker | null = null
  const tracker = (): JobTracker =>
    (opened ??= trackJobs({ kubernetes, log }, { label: containerLabel, selector: ownSelector }))
  /** Turns refusals of the cluster into those of the port. */
  const told = async <T>(what: string, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw isGone(error) ? gone() : explainRefusal(error, what)
    }
  }

  /** Null: there is none of ours. */
  const findJob = async (
    name: string,
    uid: string | null,
    signal: AbortSignal,
  ): Promise<ContainerJob | null> => {
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
  }
  const readJob: WatchDeps['readJob'] = async (id, signal) => {
    const back = createBackOff()
    for (;;) {
      try {
        const job = await findJob(id.name, id.uid, signal)
        if (job === null) throw gone()
        return job
      } catch (error) {
        const isAway =
          (error instanceof AppError && error.code === 'unavailable') ||
          (error instanceof KubernetesRefusal && (error.status === 429 || error.status >= 500))
        if (!isAway) throw error
        await back.pause(signal)
      }
    }
  }
  const requireId = (id: string): ContainerId => {
    const parsed = parseId(id)
    if (parsed === null) throw gone()
    return parsed
  }
  const requireJob = async (id: string, signal: AbortSignal): Promise<ContainerJob> => {
    const { name, uid } = requireId(id)
    const job = await findJob(name, uid, signal)
    if (job === null) throw gone()
    return job
  }
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
  const podsOf = async ({ name, uid }: ContainerId, signal: AbortSignal): Promise<Pod[]> => {
    const all = await listAll<Pod>(pods, `${ownSelector},${containerLabel}=${name}`, signal)
    return all.filter((pod) => isOwnedBy(pod, uid))
  }
  /** A pod that somebody deleted is known as long as its Job is there. */
  const lastKnown = (id: ContainerId): KnownPod => {
    let found: KnownPod = null
    const stop = tracker().watch(id, {
      pod: (object, isGone) => (found = { object, isGone }),
      job() {},
    })
    stop()
    return found
  }
  const describe = (job: ContainerJob, own: readonly Pod[]): FoundContainer => {
    const [object] = own
    const pod = object === undefined ? lastKnown(job.metadata) : { object, isGone: false }
    return toFound(job, pod, stopped.has(job.metadata.uid))
  }
  const watching = (): WatchDeps => ({
    kubernetes,
    tracker: tracker(),
    readJob,
    wasStopped: ({ uid }) => stopped.has(uid),
  })

  const create = async (given: ContainerSpec, signal: AbortSignal): Promise<string> => {
    const name = given.name ?? `slipway-${randomUUID()}`
    const spec = checkSpec(given, ['/bin/sh', '-c', idleScript])
    await networkChecks[spec.network](signal)
    const request = randomUUID()
    const { pullPolicy } = options
    const body = describePod({ name, spec, request, owner, pullPolicy })
    const what = `The cluster takes no container of ${spec.image}`
    const { job, wasThere } = await told(
      what,
      createHeldJob(kubernetes, { name, body, patienceMs }, signal),
    )
    const { annotations = {}, uid } = (job as ContainerJob).metadata
    if (wasThere && annotations[notes.request] !== request) {
      throw new AppError('resource_conflict', `A container ${name} is there already`)
    }
    try {
      await createJobSecret(
        kubernetes,
        secretOf('early', { name, uid }, spec.env),
        signal,
        patienceMs,
      )
      return formatId({ name, uid })
    } catch (error) {
      await removeJob(kubernetes, name, AbortSignal.timeout(removeMs), uid).catch(() => {})
      throw explainRefusal(error, what)
    }
  }
  const secretOf = (
    which: 'early' | 'late',
    job: ContainerId,
    env: Readonly<Record<string, string>>,
  ): Record<string, unknown> =>
    describeJobSecret({
      name: secretsOf(job.name)[which],
      labels: ownLabels(job.name, owner),
      job: { name: job.name, uid: job.uid },
      data: Object.entries(env).map(([key, value]) => [key, Buffer.from(value)] as const),
    })

  const start = async (
    id: string,
    env: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> => {
    requireVariables(env)
    const job = await requireJob(id, signal)
    const { name, uid } = job.metadata
    if (job.spec?.suspend !== true) {
      throw new AppError('resource_conflict', 'The container was started before')
    }
    await createJobSecret(kubernetes, secretOf('late', { name, uid }, env), signal)
    await releaseJob(kubernetes, name, signal)
    const what = `A container of ${imageOf(job)}`
    const timeoutMs = startTimeoutOf(job)
    await awaitStart(
      { kubernetes, tracker: tracker() },
      { name, uid, what, timeoutMs, late: 'invalid_request' },
      signal,
    )
  }

  const stop = async (id: string, graceMs: number): Promise<void> => {
    const signal = within(stopMs + graceMs)
    const job = await requireJob(id, signal)
    const own = { name: job.metadata.name, uid: job.metadata.uid }
    const [pod] = await podsOf(own, signal)
    if (pod === undefined || describe(job, [pod]).state !== 'running') return
    if (stopped.size >= mostStopped) stopped.clear()
    stopped.add(own.uid)
    const watched = watchContainer(watching(), own, signal)
    try {
      // Its own grace leaves its object and its log there; it can only be made shorter.
      await endPod(kubernetes, pod.metadata.name, null, signal)
      const isShorter = graceMs < graceSeconds * 1_000
      const late = isShorter
        ? await Promise.race([watched.ended, sleep(graceMs, 'late' as const, { signal })])
        : null
      if (late === 'late') await endPod(kubernetes, pod.metadata.name, 1, signal)
      await watched.ended
    } finally {
      watched.close()
    }
  }

  const remove = async (id: string): Promise<void> => {
    const own = parseId(id)
    if (own === null) return
    const signal = within(removeMs)
    if ((await findJob(own.name, own.uid, signal)) === null) return
    stopped.add(own.uid)
    for (const pod of await podsOf(own, signal)) {
      await endPod(kubernetes, pod.metadata.name, 1, signal)
    }
    try {
      await removeJob(kubernetes, own.name, signal, own.uid)
    } catch (error) {
      const isOther = error instanceof KubernetesRefusal && error.status === 409
      if (!isOther) throw error
    }
    const giveUpAt = performance.now() + podGoneMs
    while ((await podsOf(own, signal)).length > 0 && performance.now() < giveUpAt) {
      await sleep(lookMs, undefined, { signal })
    }
    stopped.delete(own.uid)
  }

  return {
    name: 'kubernetes',
    create: (spec, signal) => create(spec, until(signal)),
    pullAs: () => refuse('bring an image with a login'),
    readImage: () => refuse('tell what an image runs'),
    rename: (id) => refuseOf(requireIdLater(id), 'give a container another name'),
    async start(id, late, signal) {
      await told('The container cannot be started', start(id, late.env, until(signal)))
    },
    async list(labels, signal) {
      const fitting = Object.entries(fittingLabels(labels)).map(([key, value]) => `${key}=${value}`)
      const selector = [ownSelector, ...fitting].join(',')
      const [found, all] = await told(
        'Containers cannot be listed',
        Promise.all([
          listAll<ContainerJob>(jobs, selector, until(signal)),
          listAll<Pod>(pods, selector, until(signal)),
        ]),
      )
      return found
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map((job) =>
          describe(
            job,
            all.filter((pod) => isOwnedBy(pod, job.metadata.uid)),
          ),
        )
        .filter((each) => Object.entries(labels).every(([key, is]) => each.labels[key] === is))
    },
    async find(idOrName, signal) {
      const what = 'The container cannot be looked at'
      const id = parseId(idOrName)
      if (id === null && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(idOrName)) return null
      const job = await told(what, findJob(id?.name ?? idOrName, id?.uid ?? null, until(signal)))
      if (job === null) return null
      return describe(job, await told(what, podsOf(job.metadata, until(signal))))
    },
    async follow(id, since, sink, signal) {
      const own = requireId(id)
      const watched = watchContainer(watching(), own, until(signal))
      try {
        await told(
          'The output cannot be read',
          followContainer({ kubernetes, log }, { id: own, watched, since, sink }, until(signal)),
        )
      } finally {
        watched.close()
      }
    },
    async wait(id, signal) {
      const watched = watchContainer(watching(), requireId(id), until(signal))
      try {
        return await told('The end cannot be waited for', watched.ended)
      } finally {
        watched.close()
      }
    },
    exec: (id) => refuseOf(requireIdLater(id), 'run a further command in a container'),
    pause: (id) => refuseOf(requireIdLater(id), 'hold a container still'),
    // Nothing was held.
    resume: async () => {},
    measure: (id) => refuseOf(requireIdLater(id), 'measure a container: its nodes hold the limit'),
    stop: (id, graceMs) => told('The container cannot be stopped', stop(id, graceMs)),
    remove: (id) => told('The container cannot be removed', remove(id)),
    // What belongs to a Job goes with it.
    removeOrphans: async () => {},
    check: () => kubernetes.check(within(checkMs)),
    async close() {
      closing.abort(new AppError('unavailable', 'The server stops'))
      await opened?.close()
    },
  }
}

function isOwnedBy({ metadata }: Pod, uid: string): boolean {
  return metadata.ownerReferences?.some((owner) => owner.uid === uid) === true
}

async function requireIdLater(id: string): Promise<void> {
  if (parseId(id) === null) throw gone()
}

async function refuseOf(known: Promise<void>, what: string): Promise<never> {
  await known
  return refuse(what)
}

async function refuse(what: string): Promise<never> {
  throw new AppError('invalid_request', `A host of containers on Kubernetes does not ${what}`)
}
