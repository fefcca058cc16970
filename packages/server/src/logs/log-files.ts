import { readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { dirname, join, posix, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { hasCode, makeUnsynced, pruneDirectories } from '../directories.ts'
import { checkObjectKey, checkObjectPrefix } from '../ports/object-key.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type ByteSource, openFileSource, openObjectSource } from './byte-source.ts'

/** A log opened for reading. */
export interface OpenedLog {
  data: ByteSource
  index: ByteSource | null
  sealed: boolean
  close(): Promise<void>
}

/**
 * Where logs are: being written, `<directory>/<key>` and `<key>.idx`; sealed, the objects of these
 * names. Sealing moves the log before its index; what is in the directory goes before what is in the store,
 * so at every moment a reader finds one of them whole.
 */
export interface LogFiles {
  path(key: string): string
  indexPath(key: string): string
  open(key: string): Promise<OpenedLog | null>
  isLive(key: string): Promise<boolean>
  /** Makes the log's folder; answers the folders that have to be synced with it. */
  makeFolder(key: string): Promise<string[]>
  /**
   * Makes the log's files writable: its folder, and when it is sealed, its content. Answers the folders
   * that have to be synced with the log.
   */
  prepare(key: string): Promise<string[]>
  /** Hands closed files to the object store. May be repeated after a failure. */
  seal(key: string): Promise<void>
  /** Deletes the log's files here; its objects stay. */
  discard(key: string): Promise<void>
  /** Hands the log's file to the object store under another key beside it; null where it is empty. */
  setAside(key: string): Promise<string | null>
  /** Keys of the logs in the directory at or under `keyOrPrefix`. */
  listLive(keyOrPrefix: string): Promise<string[]>
  deletePrefix(prefix: string): Promise<void>
}

const indexSuffix = '.idx'
const type = 'text/plain; charset=utf-8'

export function locateLogs(directory: string, objects: ObjectStore): LogFiles {
  const root = resolve(directory)

  const path = (key: string) => {
    checkObjectKey(key)
    checkObjectKey(key + indexSuffix)
    const found = resolve(root, key)
    if (key.endsWith(indexSuffix) || !found.startsWith(root + sep)) {
      throw new TypeError(`not a log's key: ${key}`)
    }
    return found
  }
  const indexPath = (key: string) => path(key) + indexSuffix

  const exists = async (file: string) => {
    try {
      return (await stat(file)).isFile()
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
      throw error
    }
  }

  const restore = async (key: string, target: string) => {
    const body = await objects.get(key)
    if (body === null) return
    // No key can be this name.
    const temporary = `${target}~`
    try {
      await pipeline(body, createWriteStream(temporary, { mode: 0o600, flush: true }))
      await rename(temporary, target)
    } finally {
      await rm(temporary, { force: true })
    }
  }

  const handOver = async (key: string, file: string) => {
    if (await exists(file)) await objects.putFile(key, file, { contentType: type })
  }

  const discard = async (key: string) => {
    await rm(path(key), { force: true })
    await rm(indexPath(key), { force: true })
    await pruneDirectories(dirname(path(key)), root)
  }

  return {
    path,
    indexPath,
    isLive: (key) => exists(path(key)),

    async open(key) {
      const live = await openFileSource(path(key))
      const data = live ?? (await openObjectSource(objects, key))
      if (data === null) return null
      try {
        const index =
          (await openFileSource(indexPath(key))) ??
          (await openObjectSource(objects, key + indexSuffix))
        const close = async () => {
          await Promise.all([data.close(), index?.close()])
        }
        return { data, index, sealed: live === null, close }
      } catch (error) {
        await data.close()
        throw error
      }
    },

    makeFolder: (key) => makeUnsynced(dirname(path(key))),

    async prepare(key) {
      const folders = await makeUnsynced(dirname(path(key)))
      if (await exists(path(key))) return folders
      if (!(await exists(indexPath(key)))) await restore(key + indexSuffix, indexPath(key))
      await restore(key, path(key))
      return folders
    },

    async seal(key) {
      await handOver(key, path(key))
      await handOver(key + indexSuffix, indexPath(key))
      await pruneDirectories(dirname(path(key)), root)
    },

    discard,

    async setAside(key) {
      const file = path(key)
      const aside = posix.join(posix.dirname(key), `lost-${randomUUID()}.log`)
      const isEmpty = (await stat(file)).size === 0
      if (!isEmpty) await objects.putFile(aside, file, { contentType: type })
      await discard(key)
      return isEmpty ? null : aside
    },

    async listLive(keyOrPrefix) {
      const isPrefix = keyOrPrefix.endsWith('/')
      if (isPrefix) checkObjectPrefix(keyOrPrefix)
      else checkObjectKey(keyOrPrefix)
      const candidates = isPrefix ? await filesUnder(root, keyOrPrefix) : [keyOrPrefix]
      const found = new Set<string>()
      for (const name of candidates) {
        const key = name.endsWith(indexSuffix) ? name.slice(0, -indexSuffix.length) : name
        if ((await exists(path(key))) || (await exists(indexPath(key)))) found.add(key)
      }
      return [...found]
    },

    async deletePrefix(prefix) {
      checkObjectPrefix(prefix)
      const folder = path(prefix.slice(0, -1))
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
      await pruneDirectories(dirname(folder), root)
      await objects.deletePrefix(prefix)
    },
  }
}

async function filesUnder(root: string, prefix: string): Promise<string[]> {
  const found: string[] = []
  const folders = [prefix.slice(0, -1)]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(
      (error: unknown) => {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
        throw error
      },
    )
    for (const entry of entries) {
      const name = `${folder}/${entry.name}`
      if (entry.isDirectory()) folders.push(name)
      else if (entry.isFile() && name.endsWith('~')) await unlink(join(root, name))
      else if (entry.isFile()) found.push(name)
    }
  }
  return found
}
