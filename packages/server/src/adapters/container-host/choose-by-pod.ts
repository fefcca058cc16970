import { AppError } from '../../errors.ts'
import type { ContainerHost } from '../../ports/container-host.ts'
import { parseId } from './kubernetes/container-id.ts'

export interface HostsByPod {
  engine: ContainerHost
  cluster: ContainerHost
  /** Some containers are for the engine; else it may be away, and nobody misses it. */
  needsEngine: boolean
  /** The same of the cluster, which may still have what was for it once. */
  needsCluster: boolean
}

/**
 * Containers with `pod` in a cluster, all others on an engine. An engine that nobody needs may be away; a cluster
 * that is away leaves the engine's containers alone, and the other way round.
 */
export function createHostByPod(hosts: HostsByPod): ContainerHost {
  const { engine, cluster, needsEngine, needsCluster } = hosts
  const hostOf = (id: string) => (parseId(id) === null ? engine : cluster)
  const askEngine = <T>(ask: Promise<T>, otherwise: T): Promise<T> =>
    askOne(ask, needsEngine, otherwise)
  return {
    name: 'docker and kubernetes',
    create: (spec, signal) =>
      spec.pod === undefined ? engine.create(spec, signal) : cluster.create(spec, signal),
    pullAs: (image, login, signal) => engine.pullAs(image, login, signal),
    readImage: (image, signal) => engine.readImage(image, signal),
    rename: (id, name, signal) => hostOf(id).rename(id, name, signal),
    start: (id, late, signal) => hostOf(id).start(id, late, signal),
    async list(labels, signal) {
      const [here, there] = await Promise.allSettled([
        askEngine(engine.list(labels, signal), []),
        cluster.list(labels, signal),
      ])
      if (here.status === 'rejected') throw here.reason
      if (there.status === 'fulfilled') return [...here.value, ...there.value]
      if (!isAway(there.reason)) throw there.reason
      // Those of the cluster are looked for again and again.
      return here.value
    },
    async find(idOrName, signal) {
      if (parseId(idOrName) !== null) return cluster.find(idOrName, signal)
      const [here, there] = await Promise.allSettled([
        askEngine(engine.find(idOrName, signal), null),
        askOne(cluster.find(idOrName, signal), needsCluster, null),
      ])
      for (const found of [here, there]) {
        if (found.status === 'fulfilled' && found.value !== null) return found.value
      }
      // It may be where nobody answered.
      for (const found of [here, there]) if (found.status === 'rejected') throw found.reason
      return null
    },
    follow: (id, since, sink, signal) => hostOf(id).follow(id, since, sink, signal),
    wait: (id, signal) => hostOf(id).wait(id, signal),
    exec: (id, command, sink, signal) => hostOf(id).exec(id, command, sink, signal),
    pause: (id, signal) => hostOf(id).pause(id, signal),
    resume: (id) => hostOf(id).resume(id),
    measure: (id, signal) => hostOf(id).measure(id, signal),
    stop: (id, graceMs) => hostOf(id).stop(id, graceMs),
    remove: (id) => hostOf(id).remove(id),
    removeOrphans: (labels, signal) => askEngine(engine.removeOrphans(labels, signal), undefined),
    async check() {
      if (needsCluster) await cluster.check()
      if (needsEngine) await engine.check()
    },
    async close() {
      await Promise.all([engine.close(), cluster.close()])
    },
  }
}

/** What `ask` answers; of one that nobody needs and that is away, `otherwise`. */
async function askOne<T>(ask: Promise<T>, isNeeded: boolean, otherwise: T): Promise<T> {
  try {
    return await ask
  } catch (error) {
    if (isNeeded || !isAway(error)) throw error
    return otherwise
  }
}

function isAway(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unavailable'
}
