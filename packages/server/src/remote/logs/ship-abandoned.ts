import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../db/log.ts'
import { hasCode } from '../../directories.ts'
import { createFileLogStore, logPrefixes } from '../../logs/index.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { LogApi } from './ask-for-logs.ts'
import { shipLog } from './ship-log.ts'

/** Logs brought to the servers at once. */
const atOnce = 4
const isWorkerId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** See `ReplicatedLogStore`; the folders below `root` are named by the workers that wrote in them. */
export async function shipAbandoned(
  deps: { api: LogApi; log: Log },
  { root, workerId }: { root: string; workerId: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    const names = await readdir(root).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    })
    for (const name of names) {
      if (name === workerId || !isWorkerId.test(name) || signal.aborted) continue
      await shipFolder(deps, { directory: join(root, name), workerId: name }, signal)
    }
  } catch (error) {
    deps.log.warn({ err: error }, 'logs of an earlier worker could not be brought to the servers')
  }
}

async function shipFolder(
  deps: { api: LogApi; log: Log },
  { directory, workerId }: { directory: string; workerId: string },
  signal: AbortSignal,
): Promise<void> {
  const { log } = deps
  const local = createFileLogStore({ directory, objects: nowhere, log })
  const keys = (await Promise.all(logPrefixes.map((prefix) => local.listLive(prefix)))).flat()
  let isLeft = false
  const shipOne = async (key: string) => {
    const shipper = shipLog(deps, { key, workerId, path: join(directory, key) })
    const shipped = await shipper.ship('paused', signal)
    await shipper.close()
    if (shipped === 'refused') log.warn({ key }, 'the rest of a log came too late')
    if (shipped === 'later') isLeft = true
    else await local.discard(key)
  }
  const next = keys.values()
  const shipSome = async () => {
    for (const key of next) if (!signal.aborted) await shipOne(key)
  }
  await Promise.all(Array.from({ length: atOnce }, shipSome))
  await local.close()
  if (!isLeft && !signal.aborted) await rm(directory, { recursive: true, force: true })
}

const nowhere: ObjectStore = {
  name: 'none',
  put: refuse,
  putFile: refuse,
  get: async () => null,
  head: async () => null,
  delete: async () => {},
  deletePrefix: async () => {},
  presign: async () => null,
  check: async () => {},
  close: async () => {},
}

async function refuse(): Promise<void> {
  throw new Error('nothing is handed over here')
}
