import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import {
  awaitStart,
  createHeldJob,
  createJobSecret,
  createNetworkCheck,
  describeJobSecret,
  explainRefusal,
  isGone,
  type JobTracker,
  type Kubernetes,
  releaseJob,
  removeJob,
  trackJobs,
} from '../../../kubernetes/index.ts'
import type { ContainerHost, ContainerSpec } from '../../../ports/container-host.ts'
import { checkSpec, requireVariables } from './check-spec.ts'
import { type ContainerId, formatId, parseId } from './container-id.ts'
import { containerLabel, describePod, ownerLabel, ownLabels, secretsOf } from './describe-pod.ts'
import { type EndDeps, removeContainer, stopContainer } from './end-container.ts'
import { createContainerFinder } from './find-containers.ts'
import { followContainer } from './follow-container.ts'
import { idleScript } from './job-script.ts'
import { imageOf, requestOf, startTimeoutOf } from './read-container.ts'
import { gone, watchContainer, type WatchDeps } from './watch-container.ts'

export interface KubernetesContainerHostOptions {
  kubernetes: Kubernetes
  /** Whose containers these are, at most 63 letters, digits and `-`: no other host looks at them. */
  owner: string
  /** Never: only images that a node has. */
  pullPolicy: 'IfNotPresent' | 'Never'
  log: Logger
}

const checkMs = 5_000
/** Milliseconds for which what makes a container is repeated: who wants one has patience of their own. */
const patienceMs = 2_000
/** Milliseconds for removing one. */
const removeMs = 150_000
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

  const find = createContainerFinder({
    kubernetes,
    owner,
    tracker,
    wasStopped: ({ uid }) => stopped.has(uid),
  })
  const watching = (): WatchDeps => ({
    kubernetes,
    tracker: tracker(),
    readJob: find.await,
    wasStopped: ({ uid }) => stopped.has(uid),
  })
  const ending: EndDeps = {
    kubernetes,
    find,
    watching,
    noteStopped({ uid }) {
      if (stopped.size >= mostStopped) stopped.clear()
      stopped.add(uid)
    },
  }

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
    const { uid } = job.metadata
    if (wasThere && requestOf(job) !== request) {
      throw new AppError('resource_conflict', `A container ${name} is there already`)
    }
    try {
      await createJobSecret(
        kubernetes,
        secretOf('early', { name, uid, request }, spec.env),
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
    job: ContainerId & { request: string },
    env: Readonly<Record<string, string>>,
  ): Record<string, unknown> =>
    describeJobSecret({
      name: secretsOf(job.name, job.request)[which],
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
    const job = await find.require(id, signal)
    const { name, uid } = job.metadata
    if (job.spec?.suspend !== true) {
      throw new AppError('resource_conflict', 'The container was started before')
    }
    const request = requestOf(job)
    await createJobSecret(kubernetes, secretOf('late', { name, uid, request }, env), signal)
    await releaseJob(kubernetes, name, signal)
    const what = `A container of ${imageOf(job)}`
    const timeoutMs = startTimeoutOf(job)
    await awaitStart(
      { kubernetes, tracker: tracker() },
      { name, uid, what, timeoutMs, late: 'invalid_request' },
      signal,
    )
  }

  return {
    name: 'kubernetes',
    create: (spec, signal) => create(spec, until(signal)),
    pullAs: () => refuse('bring an image with a login'),
    readImage: () => refuse('tell what an image runs'),
    rename: (id) => refuseOf(knownLater(id), 'give a container another name'),
    async start(id, late, signal) {
      await told('The container cannot be started', start(id, late.env, until(signal)))
    },
    list: (labels, signal) => told('Containers cannot be listed', find.all(labels, until(signal))),
    async find(idOrName, signal) {
      const what = 'The container cannot be looked at'
      const id = parseId(idOrName)
      if (id === null && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(idOrName)) return null
      const job = await told(what, find.job(id?.name ?? idOrName, id?.uid ?? null, until(signal)))
      if (job === null) return null
      return find.describe(job, await told(what, find.pods(job.metadata, until(signal))))
    },
    async follow(id, since, sink, signal) {
      const own = known(id)
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
      const watched = watchContainer(watching(), known(id), until(signal))
      try {
        return await told('The end cannot be waited for', watched.ended)
      } finally {
        watched.close()
      }
    },
    exec: (id) => refuseOf(knownLater(id), 'run a further command in a container'),
    pause: (id) => refuseOf(knownLater(id), 'hold a container still'),
    // Nothing was held.
    resume: async () => {},
    measure: (id) => refuseOf(knownLater(id), 'measure a container: its nodes hold the limit'),
    stop: (id, graceMs) =>
      told(
        'The container cannot be stopped',
        stopContainer(ending, { id, graceMs }, within(stopMs + graceMs)),
      ),
    remove: (id) =>
      told('The container cannot be removed', removeContainer(ending, id, within(removeMs))),
    // What belongs to a Job goes with it.
    removeOrphans: async () => {},
    check: () => kubernetes.check(within(checkMs)),
    async close() {
      closing.abort(new AppError('unavailable', 'The server stops'))
      await opened?.close()
    },
  }
}

function known(id: string): ContainerId {
  const parsed = parseId(id)
  if (parsed === null) throw gone()
  return parsed
}

async function knownLater(id: string): Promise<void> {
  known(id)
}

async function refuseOf(isKnown: Promise<void>, what: string): Promise<never> {
  await isKnown
  return refuse(what)
}

async function refuse(what: string): Promise<never> {
  throw new AppError('invalid_request', `A host of containers on Kubernetes does not ${what}`)
}
