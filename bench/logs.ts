import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createFilesystemObjectStore } from '../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import {
  createFileLogStore,
  type LogStore,
  type LogWriter,
} from '../packages/server/src/logs/index.ts'
import { percentiles, round } from './statistics.ts'

export interface LogsBench {
  /**
   * Megabytes a second from a process that prints lines of 80 bytes to its log file, ten secrets
   * masked in all their forms, one line in a hundred holding one. Floor: the same process into a file stream.
   */
  throughput: {
    megabytesPerSecond: number
    floor: number
    ratio: number
    rounds: [number, number][]
  }
  /** Highest resident memory of this process in the second half of a round, less that of the first half, in MB. */
  memory: { growth: number; floorGrowth: number; peak: number; floorPeak: number }
  /** Milliseconds from the print of a line in the process to its follower, at `linesPerSecond`. */
  latency: { p50: number; p99: number; n: number; linesPerSecond: number }
  /** Milliseconds to sync the log of a round and hand it to the object store. */
  sealMs: number
}

const MEGABYTES = 256
const ROUNDS = 5
const LINES_PER_SECOND = 1000
const SECONDS = 5

/** Measures the way of a step's output into its log and to a follower. Takes about 15 s. */
export async function benchLogs(): Promise<LogsBench> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  const log = { info() {}, error() {} }
  const objects = createFilesystemObjectStore({ root: join(directory, 'objects'), log })
  const logs = createFileLogStore({ directory: join(directory, 'logs'), objects, log })
  const secrets = Array.from({ length: 10 }, (_, i) => randomBytes(12 + i).toString('base64url'))
  try {
    const rounds: [number, number][] = []
    const samples: { ours: Round; floor: Round }[] = []
    await logRound(logs, 'warm/up.log', secrets)
    await floorRound(join(directory, 'warm-up'), secrets)
    for (let round = 0; round < ROUNDS; round++) {
      const floor = await floorRound(join(directory, 'floor'), secrets)
      const ours = await logRound(logs, `round/${round}.log`, secrets)
      rounds.push([megabytesPerSecond(ours), megabytesPerSecond(floor)])
      samples.push({ ours, floor })
    }
    const ours = median(rounds.map(([value]) => value))
    const floor = median(rounds.map(([, value]) => value))
    const latencies = await followLines(logs, secrets)
    return {
      throughput: {
        megabytesPerSecond: round(ours, 1),
        floor: round(floor, 1),
        ratio: round(ours / floor),
        rounds: rounds.map(([a, b]) => [round(a, 1), round(b, 1)]),
      },
      memory: {
        growth: round(median(samples.map((sample) => sample.ours.growth)), 1),
        floorGrowth: round(median(samples.map((sample) => sample.floor.growth)), 1),
        peak: round(Math.max(...samples.map((sample) => sample.ours.peak)), 1),
        floorPeak: round(Math.max(...samples.map((sample) => sample.floor.peak)), 1),
      },
      latency: { ...percentiles(latencies), linesPerSecond: LINES_PER_SECOND },
      sealMs: round(median(samples.map((sample) => sample.ours.sealMs)), 1),
    }
  } finally {
    await logs.close()
    await rm(directory, { recursive: true, force: true })
  }
}

interface Round {
  seconds: number
  growth: number
  peak: number
  sealMs: number
}

function megabytesPerSecond({ seconds }: Round): number {
  return MEGABYTES / seconds
}

async function floorRound(path: string, secrets: readonly string[]): Promise<Round> {
  const memory = watchMemory()
  const start = performance.now()
  const child = printLines(secrets)
  await pipeline(child.stdout, createWriteStream(path))
  const seconds = (performance.now() - start) / 1000
  await ended(child)
  if ((await stat(path)).size !== MEGABYTES * 1e6) throw new Error('the floor lost output')
  await rm(path)
  return { seconds, sealMs: 0, ...memory() }
}

async function logRound(logs: LogStore, key: string, secrets: readonly string[]): Promise<Round> {
  const memory = watchMemory()
  const start = performance.now()
  const child = printLines(secrets)
  const writer = await logs.open(key, { secrets })
  await pump(child.stdout, writer)
  // Resolves when everything before it is in the file.
  await writer.note('the end')
  const seconds = (performance.now() - start) / 1000
  const used = memory()
  await ended(child)
  const sealing = performance.now()
  const { lines } = await writer.seal()
  const sealMs = performance.now() - sealing
  if (lines !== (MEGABYTES * 1e6) / 80 + 1) throw new Error('the log lost lines')
  let tail = ''
  for await (const { data } of logs.read(key, { tail: 100 }, AbortSignal.timeout(10_000)))
    tail += data.toString()
  if (!tail.includes('token=***') || secrets.some((secret) => tail.includes(secret))) {
    throw new Error('the log is not masked')
  }
  await logs.deletePrefix(`${key.split('/')[0]}/`)
  return { seconds, sealMs, ...used }
}

/** Hands output over as executors do: held back while the writer says so. */
function pump(output: Readable, writer: LogWriter): Promise<void> {
  return new Promise((resolve, reject) => {
    let busy = Promise.resolve()
    output.on('data', (chunk: Buffer) => {
      const written = writer.write(chunk)
      if (written === undefined) return
      output.pause()
      busy = written.then(() => void output.resume())
      busy.catch(reject)
    })
    output.on('close', () => resolve(busy))
  })
}

/** A process that prints `MEGABYTES` in lines of 80 bytes, as fast as they are taken. */
function printLines(secrets: readonly string[]) {
  const words =
    'compiled package server linked module in ms with no warnings from cache after'.split(' ')
  const lines = Array.from({ length: 1000 }, (_, i) => {
    const text = Array.from({ length: 20 }, (_word, j) => words[(i * 7 + j * 5) % words.length])
    const secret = i % 100 === 99 ? `token=${secrets[((i / 100) % 10) | 0]} ` : ''
    return `${`${i} ${secret}${text.join(' ')}`.slice(0, 79)}\n`
  })
  const script = `
    const { writeSync } = require('node:fs')
    const block = Buffer.from(${JSON.stringify(lines.join(''))})
    for (let left = ${MEGABYTES * 1e6}; left > 0; ) left -= writeSync(1, block, 0, Math.min(left, block.length))`
  return spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Milliseconds that lines printed at a steady rate took to their follower. */
async function followLines(logs: LogStore, secrets: readonly string[]): Promise<number[]> {
  const script = `
    const { writeSync } = require('node:fs')
    const start = process.hrtime.bigint()
    let sent = 0
    const timer = setInterval(() => {
      const due = Number(process.hrtime.bigint() - start) / 1e9 * ${LINES_PER_SECOND}
      for (; sent < due; sent++) writeSync(1, String(process.hrtime.bigint()).padEnd(79, ' ok') + '\\n')
      if (sent >= ${LINES_PER_SECOND * SECONDS}) clearInterval(timer)
    }, 1)`
  const writer = await logs.open('latency/a.log', { secrets })
  const latencies: number[] = []
  const following = (async () => {
    const giveUp = AbortSignal.timeout(SECONDS * 4000)
    for await (const { data } of logs.follow('latency/a.log', {}, giveUp)) {
      const now = process.hrtime.bigint()
      for (const line of data.toString().split('\n').slice(0, -1)) {
        latencies.push(Number(now - BigInt(line.slice(0, line.indexOf(' ')))) / 1e6)
      }
    }
  })()
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await pump(child.stdout, writer)
  await ended(child)
  await writer.seal()
  await following
  return latencies
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  if (child.exitCode !== 0) throw new Error('the printing process failed')
}

/** Samples resident memory until the returned function is called. */
function watchMemory(): () => { growth: number; peak: number } {
  const samples: number[] = []
  const timer = setInterval(() => samples.push(process.memoryUsage.rss() / 1e6), 10)
  return () => {
    clearInterval(timer)
    const middle = samples.length >> 1
    const [first, second] = [samples.slice(0, middle), samples.slice(middle)]
    return { growth: Math.max(...second) - Math.max(...first), peak: Math.max(...samples) }
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
