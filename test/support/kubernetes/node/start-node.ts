import { setMaxListeners } from 'node:events'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectDocker } from '../../../../packages/server/src/docker/index.ts'
import { cutsOff } from '../../../../packages/server/src/kubernetes/network-policy.ts'
import { type ClusterObject, StatusError } from '../cluster-object.ts'
import type { ClusterStore } from '../cluster-store.ts'
import type { ApiRequest } from '../serve-api.ts'
import { NotReady } from './make-volumes.ts'
import type { PodSpec } from './pod-spec.ts'
import { type RunningPod, runPod, type Terminated } from './run-pod.ts'

/** Milliseconds between two attempts at a container that could not be made. */
const retryMs = 200

export interface ClusterNode {
  /** Labels that pods may ask for. */
  labels: Record<string, string>
  /** Makes a directory of this machine the volume of a claim. */
  addClaim(name: string, path: string): void
  /** Answers for `pods/log`. */
  serveLog(pod: ClusterObject, asked: ApiRequest, response: ServerResponse): Promise<void>
  /** Ends a pod as a node does that runs out of room. */
  evict(name: string): void
  /** What the node has of a pod's log. */
  logOf(name: string): Promise<string>
  /** Throws away what has been written to a pod's log so far. */
  rotateLog(name: string): void
  /**
   * From now on it says nothing of its pods, which run on. Answers how to have it back: what the cluster has
   * given up meanwhile is ended.
   */
  lose(): () => Promise<void>
  close(): Promise<void>
}

/**
 * The one node of a stand-in cluster with its scheduler: runs the containers of pods in a Docker engine on
 * this machine. What a container may do is what that engine makes of it, and its network is none, or one
 * from which nothing is reached.
 */
export function startNode(
  store: ClusterStore,
  options: { socketPath: string; namespace: string },
): ClusterNode {
  const { namespace } = options
  const docker = connectDocker({ host: { kind: 'unix', socketPath: options.socketPath } })
  const claims = new Map<string, string>()
  const running = new Map<string, RunningPod>()
  const work = new Set<Promise<void>>()
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  const labels: Record<string, string> = { 'kubernetes.io/os': 'linux' }
  let isLost = false

  const secret = (name: string) => store.find('secrets', namespace, name)
  const networkOf = ({ metadata }: ClusterObject): string => {
    const isCut = store
      .list('networkpolicies', namespace)
      .filter((policy) => cutsOff(policy as Parameters<typeof cutsOff>[0]))
      .some((policy) => {
        const { podSelector } = policy.spec as {
          podSelector?: { matchLabels?: Record<string, string> }
        }
        const selected = podSelector?.matchLabels
        return Object.entries(selected ?? {}).every(
          ([key, value]) => metadata.labels?.[key] === value,
        )
      })
    return isCut ? 'none' : 'cluster'
  }
  const report = (name: string, status: Record<string, unknown>) => {
    if (isLost) return
    store.edit('pods', namespace, name, (pod) => {
      pod.status = { ...pod.status, ...status }
    })
  }
  const containerStatus = ({ spec }: ClusterObject, state: object) => {
    const { name = '', image = '' } = (spec as unknown as PodSpec).containers[0] ?? {}
    return [{ name, image, imageID: '', ready: 'running' in state, restartCount: 0, state }]
  }
  const current = (name: string, uid: string): ClusterObject | null => {
    const pod = store.find('pods', namespace, name)
    return pod?.metadata.uid === uid ? pod : null
  }
  const isDeleted = (name: string, uid: string): boolean => {
    const now = current(name, uid)
    return now === null || now.metadata.deletionTimestamp !== undefined
  }
  const schedule = async (given: ClusterObject): Promise<boolean> => {
    const { name, uid } = given.metadata
    while (!closing.signal.aborted) {
      const pod = current(name, uid)
      if (pod === null) return false
      const wanted = Object.entries((pod.spec as unknown as PodSpec).nodeSelector ?? {})
      if (wanted.every(([key, value]) => labels[key] === value)) {
        store.edit('pods', namespace, name, (placed) => {
          placed.spec = { ...placed.spec, nodeName: 'node-1' }
        })
        report(name, { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] })
        return true
      }
      const message =
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
      report(name, {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      })
      await sleep(retryMs, undefined, { signal: closing.signal }).catch(() => {})
    }
    return false
  }
  const begin = async (pod: ClusterObject): Promise<RunningPod | null> => {
    const { name, uid } = pod.metadata
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      const now = current(name, uid)
      if (now === null || now.metadata.deletionTimestamp !== undefined) return null
      try {
        return await runPod(docker, now, { claims, secret, network: networkOf(now) })
      } catch (error) {
        if (!(error instanceof NotReady)) throw error
        if (error.reason === 'StartError') {
          const time = new Date().toISOString()
          const { reason, message } = error
          const terminated = { exitCode: 128, reason, message, startedAt: time, finishedAt: time }
          finish(now, terminated)
          await until(() => isDeleted(name, uid))
          return null
        }
        const isBackingOff = error.reason === 'ErrImagePull' && attempt > 0
        const waiting = {
          reason: isBackingOff ? 'ImagePullBackOff' : error.reason,
          message: isBackingOff ? `Back-off pulling image: ${error.message}` : error.message,
        }
        report(name, { containerStatuses: containerStatus(now, { waiting }) })
        await sleep(retryMs, undefined, { signal: closing.signal }).catch(() => {})
      }
    }
    return null
  }
  const finish = (pod: ClusterObject, terminated: Terminated | null, more: object = {}) => {
    report(pod.metadata.name, {
      phase: terminated?.exitCode === 0 ? 'Succeeded' : 'Failed',
      ...(terminated === null ? {} : { containerStatuses: containerStatus(pod, { terminated }) }),
      ...more,
    })
  }
  const live = async (pod: ClusterObject): Promise<void> => {
    const { name, uid } = pod.metadata
    if (!(await schedule(pod))) return
    const started = await begin(pod)
    if (started === null) {
      if (current(name, uid) !== null && !closing.signal.aborted) {
        if (store.get('pods', namespace, name).status?.phase !== 'Failed') finish(pod, null)
        store.remove('pods', namespace, name, { gracePeriodSeconds: 0 })
      }
      return
    }
    running.set(uid, started)
    const { startedAt } = started
    report(name, {
      phase: 'Running',
      startTime: startedAt,
      containerStatuses: containerStatus(pod, { running: { startedAt } }),
    })
    /** Why the node ends it; told before its end. */
    let why: { reason: string; message: string } | null = null
    let deadline: NodeJS.Timeout | undefined
    const obey = () => {
      const now = current(name, uid)
      if (now === null) return started.end(0)
      const spec = now.spec as unknown as PodSpec
      const { deletionTimestamp, deletionGracePeriodSeconds: grace = 0 } = now.metadata
      if (deletionTimestamp !== undefined) started.end(grace)
      clearTimeout(deadline)
      if (spec.activeDeadlineSeconds === undefined || why !== null) return
      const left = Date.parse(startedAt) + spec.activeDeadlineSeconds * 1_000 - Date.now()
      deadline = setTimeout(() => {
        why = {
          reason: 'DeadlineExceeded',
          message: 'Pod was active on the node longer than the specified deadline',
        }
        started.end(spec.terminationGracePeriodSeconds ?? 30)
      }, left)
    }
    const unlisten = store.listen(({ plural, object }) => {
      if (plural === 'pods' && object.metadata.uid === uid) obey()
    })
    obey()
    const terminated = await started.ended
    unlisten()
    clearTimeout(deadline)
    const evicted = evictions.get(uid)
    finish(pod, terminated, evicted ?? why ?? {})
    // A container that has ended stays, with its log, until its pod goes.
    if (!closing.signal.aborted) await until(() => isDeleted(name, uid))
    if (isLost) return
    if (current(name, uid) !== null)
      store.remove('pods', namespace, name, { gracePeriodSeconds: 0 })
    running.delete(uid)
    await started.remove()
  }
  const evictions = new Map<string, { reason: string; message: string }>()
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = () => {
        if (!condition() && !closing.signal.aborted) return
        unlisten()
        resolve()
      }
      const unlisten = store.listen(look)
      closing.signal.addEventListener('abort', look, { once: true })
      look()
    })
  const find = (name: string) => {
    const { uid } = store.get('pods', namespace, name).metadata
    const found = running.get(uid)
    if (found === undefined)
      throw new StatusError(400, 'BadRequest', 'container is waiting to start')
    return { uid, found }
  }
  const unlisten = store.listen(({ type, plural, object }) => {
    if (type !== 'ADDED' || plural !== 'pods') return
    const done = live(object)
    work.add(done)
    void done.finally(() => work.delete(done))
  })
  return {
    labels,
    addClaim: (name, path) => void claims.set(name, path),
    async serveLog(pod, { query }, response) {
      const { found } = find(pod.metadata.name)
      const since = query.get('sinceTime')
      // To seconds, as API servers pass it on.
      const from = since === null ? null : new Date(Math.floor(Date.parse(since) / 1_000) * 1_000)
      const follow = query.get('follow') === 'true'
      const timestamps = query.get('timestamps') === 'true'
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.flushHeaders()
      // Whoever reads it may go at any time.
      await pipeline(
        Readable.from(found.log.read({ since: from, follow, timestamps })),
        response,
      ).catch(() => {})
    },
    evict(name) {
      const { uid, found } = find(name)
      const message = 'The node was low on resource: memory.'
      evictions.set(uid, { reason: 'Evicted', message })
      found.kill()
    },
    async logOf(name) {
      const chunks: Buffer[] = []
      const all = { since: null, follow: false, timestamps: false }
      for await (const chunk of find(name).found.log.read(all)) chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    },
    rotateLog: (name) => find(name).found.log.rotate(),
    lose() {
      isLost = true
      return async () => {
        isLost = false
        for (const [uid, pod] of running) {
          if (store.list('pods', namespace).some(({ metadata }) => metadata.uid === uid)) continue
          pod.kill()
          await pod.ended
        }
      }
    },
    async close() {
      closing.abort()
      unlisten()
      for (const pod of running.values()) pod.kill()
      await Promise.all(work)
      for (const pod of running.values()) await pod.remove()
    },
  }
}
