import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { hasCode, makeDirectory, syncPath } from '../../directories.ts'
import { StartupError } from '../../errors.ts'
import { runGit } from '../../git/index.ts'
import { checkObjectKey } from '../../ports/object-key.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { bundleName } from '../archive/manifest.ts'

/** Milliseconds that git may take over the GitOps repository, and one object on its way to its store. */
const longMs = 3_600_000
const keyNames = ['master-key', 'admin-token']

export interface FileStager {
  /** A piece of a file; those of one file come one behind the other. False: it is not wanted here. */
  write(name: string, content: Buffer): Promise<boolean>
  /** Everything that came is on disk. */
  finish(): Promise<void>
}

/**
 * Puts the files of a backup into `staging`, as they are to be in a data directory; objects into `objects`,
 * where there is such a store.
 */
export function stageFiles(
  input: { staging: string; objects: ObjectStore | null; withGitOps: boolean },
  signal: AbortSignal,
): FileStager {
  const { staging, objects, withGitOps } = input
  let current: { name: string; push(content: Buffer): Promise<void>; end(): Promise<void> } | null =
    null

  const end = async () => {
    const ending = current
    current = null
    await ending?.end()
  }

  return {
    async write(name, content) {
      signal.throwIfAborted()
      if (!isWanted(name, withGitOps)) return false
      if (current?.name !== name) {
        await end()
        const key = name.startsWith('objects/') ? name.slice('objects/'.length) : null
        const target =
          key !== null && objects !== null
            ? openObject(objects, key)
            : await openFile(join(staging, name))
        current = { name, ...target }
      }
      await current.push(content)
      return true
    },
    async finish() {
      await end()
      if (withGitOps) await unpackGitOps(staging, signal)
    },
  }
}

function isWanted(name: string, withGitOps: boolean): boolean {
  if (name === bundleName) return withGitOps
  if (keyNames.includes(name)) return true
  const [folder, ...rest] = name.split('/')
  if (folder !== 'logs' && folder !== 'objects') return false
  try {
    checkObjectKey(rest.join('/'))
    return true
  } catch {
    throw new StartupError(`The backup has a file of no possible name: ${JSON.stringify(name)}`)
  }
}

async function openFile(path: string) {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file: FileHandle = await open(path, 'wx', 0o600)
  return {
    push: (content: Buffer) => file.writeFile(content),
    async end() {
      try {
        await file.datasync()
      } finally {
        await file.close()
      }
    },
  }
}

/** At most one piece waits for the store. */
function openObject(objects: ObjectStore, key: string) {
  let taken: (() => void) | null = null
  const body = new Readable({ read: () => taken?.(), highWaterMark: 0 })
  const put = objects.put(key, body, { timeoutMs: longMs })
  const failed = put.then(() => new Promise<never>(() => undefined))
  failed.catch(() => undefined)
  return {
    async push(content: Buffer) {
      if (content.length === 0) return
      const free = new Promise<void>((resolve) => (taken = resolve))
      if (!body.push(content)) await Promise.race([free, failed])
    },
    async end() {
      body.push(null)
      await put
    },
  }
}

async function unpackGitOps(staging: string, signal: AbortSignal): Promise<void> {
  const bundle = join(staging, bundleName)
  const repository = join(staging, 'gitops.git')
  const found = await readdir(staging)
  if (!found.includes(bundleName)) return
  await makeDirectory(repository)
  const options = { cwd: repository, signal, timeoutMs: longMs }
  for (const args of [
    ['init', '--quiet', '--bare', '.'],
    ['-c', 'core.fsync=all', 'fetch', '--quiet', bundle, '+refs/*:refs/*'],
  ]) {
    const { code, stderr } = await runGit(args, { ...options, protocols: 'file' })
    if (code !== 0) throw new Error(`the GitOps repository cannot be unpacked: ${stderr}`)
  }
  await rm(bundle)
}

/**
 * Moves what was staged into the data directory; what is in its place there goes into `aside`. Keys that are
 * there stay.
 */
export async function placeFiles(input: {
  dataDir: string
  staging: string
  aside: string
}): Promise<void> {
  const { dataDir, staging, aside } = input
  for (const name of await readdir(staging)) {
    if (name === 'server.lock') continue
    const [from, to] = [join(staging, name), join(dataDir, name)]
    if (keyNames.includes(name) && (await isThere(to))) continue
    if (await isThere(to)) {
      await makeDirectory(aside)
      await rename(to, join(aside, name))
    }
    await rename(from, to)
  }
  await syncPath(dataDir)
  // What is left of it is what tells that the restore has not come to its end.
  await rm(staging, { recursive: true, force: true })
  await syncPath(dataDir)
}

async function isThere(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r')
    await file.close()
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
