// Clones and archives of builds: each beside what plain git and yazl alone need for the same.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { ZipFile } from 'yazl'
import { createFilesystemObjectStore } from '../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { createMirrors, serveUploadPack } from '../packages/server/src/git/index.ts'
import type { ObjectStore } from '../packages/server/src/ports/object-store.ts'
import { cloneRepository } from '../packages/server/src/worker/build/clone/clone-repository.ts'
import { createZip } from '../packages/server/src/worker/build/create-zip.ts'
import { listTree } from '../packages/server/src/worker/build/zip/list-tree.ts'
import { round } from './statistics.ts'

const run = promisify(execFile)
const never = new AbortController().signal
const treeMegabytes = 200
const zipRounds = 5
const cloneRounds = 7

const quiet = { note: async () => undefined, progress: () => undefined }

export async function benchBuilds(): Promise<object> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  try {
    return { zip: await measureZip(root), clone: await measureClone(root) }
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function measureZip(root: string): Promise<object> {
  const directory = join(root, 'tree')
  const { bytes, files } = await plant(directory, treeMegabytes * 1e6)
  const log = { info() {} }
  const objects = createFilesystemObjectStore({ root: join(root, 'objects'), log })
  const floor: number[] = []
  const ours: number[] = []
  const memory: number[] = []
  const sums = new Set<string>()
  const plain = async () =>
    void floor.push(await timed(() => packPlainly(directory, join(root, 'floor.zip'))))
  for (let number = 0; number < zipRounds; number++) {
    // In turns, and neither always first.
    if (number % 2 === 0) await plain()
    const used = watchMemory()
    ours.push(await timed(async () => void sums.add(await pack(objects, directory, number))))
    memory.push(used())
    if (number % 2 === 1) await plain()
  }
  const copy = join(root, 'copy')
  await cp(directory, copy, { recursive: true })
  sums.add(await pack(objects, copy, zipRounds))
  const [yazlSeconds, seconds] = [median(floor), median(ours)]
  return {
    files,
    treeMegabytes: round(bytes / 1e6, 1),
    yazlMegabytesPerSecond: round(bytes / 1e6 / yazlSeconds, 1),
    megabytesPerSecond: round(bytes / 1e6 / seconds, 1),
    timesYazl: round(seconds / yazlSeconds),
    extraMegabytes: round(Math.max(...memory), 1),
    sameSha256: sums.size === 1,
  }
}

/** As a build does it, into the object store; answers the SHA-256. */
async function pack(objects: ObjectStore, directory: string, number: number): Promise<string> {
  const repository = {
    name: 'bench',
    isOfficial: false,
    remote: { url: 'https://git.test/x' },
    ref: null,
  }
  const attempt = { buildId: 1, number, repository }
  const { sha256, objectKey } = await createZip(
    { objects },
    { attempt, directory, ...quiet },
    never,
  )
  await objects.delete(objectKey)
  return sha256
}

/** yazl alone, with the entries in the same order. */
async function packPlainly(directory: string, path: string): Promise<void> {
  const zip = new ZipFile()
  for (const { name } of await listTree(directory, never)) {
    zip.addFile(join(directory, name.toString()), name.toString(), { mtime: new Date(0) })
  }
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(path))
}

async function measureClone(root: string): Promise<object> {
  const repository = join(root, 'repository')
  const { bytes, files } = await plant(repository, 60e6)
  const git = (...args: string[]) => run('git', args, { cwd: repository, env: plainEnvironment })
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', '.')
  await git('-c', 'user.name=x', '-c', 'user.email=x@x.test', 'commit', '--quiet', '--message', 'x')
  await git('gc', '--quiet')
  const server = await serve(join(repository, '.git'))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.git`
  const [floor, cold, warm]: [number[], number[], number[]] = [[], [], []]
  try {
    for (let number = 0; number < cloneRounds; number++) {
      const at = (name: string) => join(root, `${name}-${number}`)
      const args = ['clone', '--quiet', '--depth', '1', url, at('plain')]
      const plain = async () =>
        void floor.push(await timed(() => run('git', args, { cwd: root, env: plainEnvironment })))
      if (number % 2 === 0) await plain()
      const mirrors = createMirrors({
        directory: at('mirrors'),
        accessDirectory: join(root, 'access'),
      })
      const clone = (directory: string) =>
        cloneRepository(
          { mirrors, accessDirectory: join(root, 'access'), gitLfs: async () => false },
          { remote: { url }, ref: null, directory, ...quiet, timeoutMs: 60_000 },
          never,
        )
      cold.push(await timed(() => clone(at('cold'))))
      warm.push(await timed(() => clone(at('warm'))))
      if (number % 2 === 1) await plain()
      for (const name of ['plain', 'mirrors', 'cold', 'warm']) {
        await rm(at(name), { recursive: true, force: true })
      }
    }
  } finally {
    server.close().closeAllConnections()
  }
  const [gitSeconds, seconds, againSeconds] = [median(floor), median(cold), median(warm)]
  return {
    files,
    treeMegabytes: round(bytes / 1e6, 1),
    gitMs: round(gitSeconds * 1000),
    ms: round(seconds * 1000),
    timesGit: round(seconds / gitSeconds),
    againMs: round(againSeconds * 1000),
  }
}

const plainEnvironment = {
  PATH: process.env['PATH'],
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
}

/** Git's smart HTTP, for one repository. */
async function serve(directory: string): Promise<Server> {
  const server = createServer((request, response) => {
    const protocol = String(request.headers['git-protocol'])
    const input = { directory, protocol, signal: never, timeoutMs: 60_000 }
    const isPost = request.method === 'POST'
    response.setHeader(
      'content-type',
      `application/x-git-upload-pack-${isPost ? 'result' : 'advertisement'}`,
    )
    if (!isPost) response.write('001e# service=git-upload-pack\n0000')
    serveUploadPack(isPost ? { ...input, request } : input).pipe(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** A tree as repositories have them: many small texts, some large files, some that do not compress. */
async function plant(directory: string, bytes: number): Promise<{ bytes: number; files: number }> {
  let seed = 1
  const next = (limit: number) => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) % limit
  const words =
    'export const function return import from class async await value component label theme'.split(
      ' ',
    )
  let base = ''
  while (base.length < 300_000) {
    base += `${words[next(words.length)]} ${next(1_000)}${next(8) === 0 ? '\n' : ' '}`
  }
  const text = (size: number) => {
    let made = ''
    while (made.length < size) {
      const from = next(290_000)
      made += base.slice(from, from + 3_000)
    }
    return Buffer.from(made.slice(0, size))
  }
  let [total, files] = [0, 0]
  for (; total < bytes; files++) {
    const folder = join(directory, `folder-${files % 100}`)
    await mkdir(folder, { recursive: true })
    const size = files % 50 === 49 ? 4_000_000 : 5_000 + next(40_000)
    const content = files % 100 === 99 ? randomBytes(size) : text(size)
    await writeFile(join(folder, `file-${files}`), content)
    total += size
  }
  return { bytes: total, files }
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await action()
  return (performance.now() - start) / 1000
}

/** Answers by how many megabytes the process had grown at most. */
function watchMemory(): () => number {
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 10)
  return () => {
    clearInterval(timer)
    return (most - before) / 1e6
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
