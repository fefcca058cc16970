import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { CreatedToken } from '@slipway/contract/access'
import type { ListWorkersResponse, Worker } from '@slipway/contract/worker-api'
import type { TestServer } from './server.ts'

const main = fileURLToPath(new URL('../../packages/server/dist/main.js', import.meta.url))
const startMs = 30_000

/** A worker on "another machine": a process with a data directory of its own, and no database. */
export interface RemoteWorker {
  readonly dataDir: string
  readonly token: string
  /** Everything that it and its supervisor have logged. */
  readonly output: string[]
  /** Of the supervisor. */
  pid(): number
  /** Of the process that works; changes when that is started again. */
  workingPid(): number
  /** Id of the worker that works. */
  id(): string
  signal(name: NodeJS.Signals): void
  /** Resolves with the exit code of the supervisor. */
  ended(ms?: number): Promise<number | null>
  /** Kills the process that works, and resolves when it has been started again. */
  killWorking(): Promise<void>
  /** Resolves when the next process of it works. */
  nextWorking(): Promise<void>
  /** Ends it, and removes its data directory. */
  close(): Promise<void>
}

export interface RemoteWorkerOptions {
  env?: Record<string, string>
  args?: readonly string[]
  /** Default: one of a new service account. */
  token?: string
  dataDir?: string
  /** Default: that of the server. */
  url?: string
  /** False: it is not waited for. */
  wait?: boolean
  /** Arguments of Node.js that are the program; default: the one that was built. */
  program?: readonly string[]
  /** What the program is started with, such as `nsenter` and its arguments. */
  command?: readonly string[]
}

let tokens = 0

/** A token that may work. */
export async function workerToken(server: TestServer): Promise<string> {
  const body = { name: `worker ${process.pid} ${(tokens += 1)}`, roles: ['worker'] }
  return (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
}

export async function startRemoteWorker(
  server: TestServer,
  options: RemoteWorkerOptions = {},
): Promise<RemoteWorker> {
  const token = options.token ?? (await workerToken(server))
  const root = await mkdtemp(join(tmpdir(), 'slipway-worker-'))
  const dataDir = options.dataDir ?? join(root, 'data')
  const output: string[] = []
  let working: { pid: number; id: string } | null = null
  let works = 0
  const waiting = new Set<() => void>()
  const [command, ...before] = [...(options.command ?? []), process.execPath]
  const child: ChildProcess = spawn(
    command,
    [...before, ...(options.program ?? [main]), 'worker', ...(options.args ?? [])],
    {
      env: {
        PATH: process.env.PATH ?? '',
        SLIPWAY_SERVER_URL: options.url ?? server.url,
        SLIPWAY_WORKER_TOKEN: token,
        SLIPWAY_DATA_DIR: dataDir,
        SLIPWAY_WORKER_CAPACITY: '4',
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const exit = once(child, 'exit') as Promise<[number | null]>
  exit.catch(() => undefined)
  child.once('close', () => {
    for (const look of waiting) look()
  })
  const listen = (line: string) => {
    output.push(line)
    const [, id] = /"worker_id":"([^"]+)".*"msg":"working"/.exec(line) ?? []
    const [, pid] = /"process":(\d+)/.exec(line) ?? []
    if (id === undefined || pid === undefined) return
    working = { pid: Number(pid), id }
    works += 1
    for (const look of waiting) look()
  }
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', listen)
  }
  const untilWorks = (count: number) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => done(new Error(`it does not work:\n${output.join('\n')}`)),
        startMs,
      )
      const done = (error?: Error) => {
        clearTimeout(timer)
        waiting.delete(look)
        if (error === undefined) resolve()
        else reject(error)
      }
      const look = () => {
        if (works >= count) done()
        else if (child.exitCode !== null) done(new Error(`it ended:\n${output.join('\n')}`))
      }
      waiting.add(look)
      look()
    })
  const current = () => {
    if (working === null) throw new Error('it does not work yet')
    return working
  }
  const worker: RemoteWorker = {
    dataDir,
    token,
    output,
    pid: () => child.pid ?? 0,
    workingPid: () => current().pid,
    id: () => current().id,
    signal: (name) => void child.kill(name),
    async ended(ms = 30_000) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_resolve, reject) => {
        const fail = () => reject(new Error(`it did not end:\n${output.join('\n')}`))
        timer = setTimeout(fail, ms)
      })
      try {
        return (await Promise.race([exit, late]))[0]
      } finally {
        clearTimeout(timer)
      }
    },
    async killWorking() {
      const before = works
      process.kill(current().pid, 'SIGKILL')
      await untilWorks(before + 1)
    },
    nextWorking: () => untilWorks(works + 1),
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        child.kill('SIGTERM')
        await worker.ended().catch(() => {
          if (working !== null) killIfThere(working.pid)
          child.kill('SIGKILL')
        })
      }
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  if (options.wait !== false) {
    await untilWorks(1).catch(async (error: unknown) => {
      await worker.close()
      throw error
    })
  }
  return worker
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

/** Workers that the server knows, as it lists them. */
export async function listedWorkers(server: TestServer): Promise<Worker[]> {
  return (await server.json<ListWorkersResponse>('GET', '/v1/workers?limit=100')).workers
}
