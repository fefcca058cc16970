import { randomUUID } from 'node:crypto'
import { constants, createReadStream, createWriteStream } from 'node:fs'
import { open, readdir, realpath, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Logger } from 'pino'
import { checkObjectKey, checkObjectPrefix } from '../../../ports/object-key.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import { hasCode, makeDirectory, pruneDirectories, syncPath } from '../../../directories.ts'

export interface FilesystemObjectStoreOptions {
  /** Absolute directory that belongs to the store alone; made when it is missing. */
  root: string
  /** Nobody else uses the directory: what is half written when this one begins belongs to nobody. */
  exclusive?: boolean
  log: Pick<Logger, 'info'>
}

/** No key can be this name, so nothing in it is ever an object. */
const scratch = '~incoming'
const defaultTimeoutMs = 300_000
/** Older leftovers in the scratch folder belong to no put that is still running. */
const leftoverMs = 24 * 3_600_000

/**
 * Objects as plain files `<root>/<key>`, private to the server's user. A put writes aside, syncs,
 * renames and syncs the folder, so what it resolved for survives a power cut.
 */
export function createFilesystemObjectStore(options: FilesystemObjectStoreOptions): ObjectStore {
  const { log, exclusive = false } = options
  const root = resolve(options.root)
  let prepared: Promise<string> | null = null

  /** The real path of the root, which no symbolic link in a key's folders may lead out of. */
  const prepare = () => {
    prepared ??= prepareRoot(root, log, exclusive ? -Infinity : leftoverMs).catch(
      (error: unknown) => {
        prepared = null
        throw error
      },
    )
    return prepared
  }

  const locate = (key: string) => {
    checkObjectKey(key)
    const path = resolve(root, key)
    if (!path.startsWith(root + sep)) throw new TypeError(`not an object key: ${key}`)
    return path
  }

  const checkInside = async (path: string) => {
    const [base, folder] = await Promise.all([prepare(), realpath(dirname(path))])
    if (folder !== base && !folder.startsWith(base + sep)) {
      throw new Error('a symbolic link leads out of the object store')
    }
  }

  /** `move` puts the finished file into its place. */
  const publish = async (path: string, move: () => Promise<void>) => {
    // A delete may take the folder away again before the object is in it.
    for (let attempt = 1; ; attempt++) {
      try {
        await makeDirectory(dirname(path))
        await checkInside(path)
        await move()
        return await syncPath(dirname(path))
      } catch (error) {
        if (!hasCode(error, 'ENOENT') || attempt === 5) throw error
      }
    }
  }

  const write = async (path: string, body: Readable, timeoutMs: number) => {
    await prepare()
    const temporary = join(root, scratch, randomUUID())
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const file = createWriteStream(temporary, { flags: 'wx', mode: 0o600, flush: true })
      await pipeline(body, file, { signal: timeout })
      await publish(path, () => rename(temporary, path))
    } catch (error) {
      await rm(temporary, { force: true })
      if (timeout.aborted) throw new Error(`the upload took longer than ${timeoutMs} ms`)
      throw error
    }
  }

  const openObject = async (key: string) => {
    const path = locate(key)
    try {
      await checkInside(path)
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
      const found = await file.stat()
      if (found.isFile()) return { file, found }
      await file.close()
      return null
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return null
      throw error
    }
  }

  return {
    name: 'filesystem',

    async put(key, body, { timeoutMs = defaultTimeoutMs } = {}) {
      const stream = Buffer.isBuffer(body) ? Readable.from([body], { objectMode: false }) : body
      try {
        await write(locate(key), stream, timeoutMs)
      } finally {
        stream.destroy()
      }
    },

    async putFile(key, path, { timeoutMs = defaultTimeoutMs } = {}) {
      const target = locate(key)
      await prepare()
      await syncPath(path)
      try {
        await publish(target, async () => {
          // Otherwise a missing file would look like a folder that was taken away.
          if (!(await stat(path).catch(() => null))) throw new Error(`the file for ${key} is gone`)
          await rename(path, target)
        })
      } catch (error) {
        if (!hasCode(error, 'EXDEV')) throw error
        await write(target, createReadStream(path), timeoutMs)
        await unlink(path)
      }
    },

    async get(key, range) {
      const object = await openObject(key)
      if (object === null) return null
      const { file, found } = object
      const start = range?.start ?? 0
      const end = Math.min(range?.end ?? Infinity, found.size - 1)
      if (start > end) {
        await file.close()
        return Readable.from([], { objectMode: false })
      }
      return file.createReadStream({ start, end })
    },

    async head(key) {
      const object = await openObject(key)
      if (object === null) return null
      await object.file.close()
      return { size: object.found.size, modifiedAt: object.found.mtime }
    },

    async delete(key) {
      const path = locate(key)
      try {
        await checkInside(path)
        await unlink(path)
      } catch (error) {
        // EISDIR, EPERM: the key is only the folder of others.
        if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EPERM')) return
        throw error
      }
      await pruneDirectories(dirname(path), root)
    },

    async deletePrefix(prefix) {
      checkObjectPrefix(prefix)
      const path = locate(prefix.slice(0, -1))
      try {
        await checkInside(path)
        if (!(await stat(path)).isDirectory()) return
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return
        throw error
      }
      await rm(path, { recursive: true, force: true, maxRetries: 3 })
      await pruneDirectories(dirname(path), root)
    },

    presign: async () => null,

    async check() {
      await prepare()
      const probe = join(root, scratch, randomUUID())
      try {
        await writeFile(probe, 'x', { flag: 'wx', mode: 0o600 })
      } finally {
        await rm(probe, { force: true })
      }
    },

    close: async () => {},
  }
}

async function prepareRoot(
  root: string,
  log: Pick<Logger, 'info'>,
  olderThanMs: number,
): Promise<string> {
  const folder = join(root, scratch)
  await makeDirectory(folder)
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => null)
    if (found === null || Date.now() - found.mtimeMs < olderThanMs) continue
    log.info({ path }, 'removing what an interrupted upload left behind')
    await rm(path, { force: true })
  }
  return realpath(root)
}
