import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../db/log.ts'
import { createFileLogStore, type LogStore, type LogWriter } from '../logs/index.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { WorkerApi } from '../ports/worker-api.ts'
import { createLogApi } from './logs/ask-for-logs.ts'
import { fetchEarlier } from './logs/fetch-earlier.ts'
import { shipAbandoned } from './logs/ship-abandoned.ts'
import { type LogShipper, shipLog } from './logs/ship-log.ts'

export interface ReplicatedLogStoreOptions {
  /** Absolute directory of the logs of all workers of this data directory; this one's are below its id. */
  root: string
  /** As it is registered. */
  workerId: string
  api: WorkerApi
  log: Log
}

/** The logs of a worker on another machine. */
export interface ReplicatedLogStore extends LogStore {
  /**
   * Brings what earlier workers of this data directory had written and the servers do not have, and removes it
   * here. Call it when they are known to be dead, and before their jobs are freed: afterwards nothing of it is
   * taken. What is not there when `signal` aborts stays. Never rejects.
   */
  shipAbandoned(signal: AbortSignal): Promise<void>
}

/** Milliseconds for which the end of a step waits for the servers to have its log. */
const endMs = 60_000
/** Milliseconds for what has to be fetched before a log can go on. */
const fetchMs = 60_000
/** Milliseconds for what has not been sent when the worker ends. */
const closeMs = 10_000

/**
 * Logs are files of this machine, written as in a server, and the truth until they are sealed; a server gets
 * every line as it is written, and is asked by whoever reads. When `end` and `suspend` of a writer resolve, a
 * server has the whole log, unless it cannot be reached for long. `seal` has the server hand it to the
 * object store; then it goes from here.
 */
export function createReplicatedLogStore(options: ReplicatedLogStoreOptions): ReplicatedLogStore {
  const { root, workerId, log } = options
  const api = createLogApi(options.api)
  const directory = join(root, workerId)
  const shippers = new Map<string, LogShipper>()
  const closing = new AbortController()
  const pathOf = (key: string) => join(directory, key)
  const within = (ms: number) => AbortSignal.any([closing.signal, AbortSignal.timeout(ms)])

  /** In place of an object store: what is handed over goes when a server has handed it over. */
  const handOver = async (key: string, path: string) => {
    const shipper = shippers.get(key)
    if (shipper !== undefined && (await shipper.seal(closing.signal)) === 'later') {
      throw new Error('the servers do not have the log yet')
    }
    await forget(key)
    await unlink(path)
  }
  const local = createFileLogStore({
    directory,
    objects: elsewhere(handOver),
    log,
    appended: (key) => shippers.get(key)?.grown(),
  })

  const forget = async (key: string) => {
    await shippers.get(key)?.close()
    shippers.delete(key)
  }

  /** What an earlier writer of this process left: the servers have it, or get it now. */
  const leaveEarlier = async (key: string) => {
    await shippers.get(key)?.ship('paused', within(closeMs))
    await forget(key)
    if (await local.isLive(key)) await local.discard(key)
  }

  return {
    ...local,

    async open(key, { marker, isNew = false, ...rest }) {
      await leaveEarlier(key)
      const earlier = isNew
        ? { known: undefined, missing: null }
        : await fetchEarlier(api, { workerId, key, path: pathOf(key) }, within(fetchMs))
      const { known, missing } = earlier
      const shipper = shipLog(
        { api, log },
        { key, workerId, path: pathOf(key), ...(known === undefined ? {} : { known }) },
      )
      shippers.set(key, shipper)
      const first = missing === null || rest.replayed === true ? marker : missing
      const opened = await local
        .open(key, { ...rest, isNew: true, ...(first === undefined ? {} : { marker: first }) })
        .catch(async (error: unknown) => {
          await forget(key)
          throw error
        })
      if (first !== marker && marker !== undefined) await opened.note(marker)
      return {
        ...opened,
        async end() {
          await opened.end()
          await shipper.ship('ended', within(endMs))
        },
        async suspend() {
          await opened.suspend()
          if ((await shipper.ship('paused', within(endMs))) === 'later') return
          await forget(key)
          await local.discard(key)
        },
      } satisfies LogWriter
    },

    shipAbandoned: (signal) => shipAbandoned({ api, log }, { root, workerId }, signal),

    async close() {
      await local.close()
      const late = AbortSignal.timeout(closeMs)
      await Promise.all(
        [...shippers.values()].map(async (shipper) => {
          await shipper.ship('paused', late)
          await shipper.close()
        }),
      )
      closing.abort()
    },
  }
}

/** What is sealed is not here. */
function elsewhere(handOver: (key: string, path: string) => Promise<void>): ObjectStore {
  return {
    name: 'replicated logs',
    put: async () => {
      throw new Error('only files are handed over')
    },
    putFile: (key, path) => (key.endsWith('.idx') ? unlink(path) : handOver(key, path)),
    get: async () => null,
    head: async () => null,
    delete: async () => {},
    deletePrefix: async () => {},
    presign: async () => null,
    check: async () => {},
    close: async () => {},
  }
}
