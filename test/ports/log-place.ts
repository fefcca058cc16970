import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect } from 'vitest'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import {
  createFileLogStore,
  type LogChunk,
  type LogRange,
  type LogStore,
} from '../../packages/server/src/logs/index.ts'
import type { ObjectStore } from '../../packages/server/src/ports/object-store.ts'

export const key = 'pipeline-runs/1/logs/build/app/compile.log'

export const forever = new AbortController().signal
setMaxListeners(0, forever)

/** A data directory of one test, with the stores made in it. */
export interface LogPlace {
  directory: string
  objects: ObjectStore
  /** Where the log `key` is while it is written. */
  livePath: string
  /** A store as another process, or the next one, would make it. */
  makeStore(objects?: ObjectStore): LogStore
  dispose(): Promise<void>
}

export async function makeLogPlace(): Promise<LogPlace> {
  const log = pino({ level: 'silent' })
  const directory = await mkdtemp(join(tmpdir(), 'slipway-logs-'))
  const objects = createFilesystemObjectStore({ root: join(directory, 'objects'), log })
  const made: LogStore[] = []
  return {
    directory,
    objects,
    livePath: join(directory, 'logs', key),
    makeStore(over = objects) {
      const store = createFileLogStore({ directory: join(directory, 'logs'), objects: over, log })
      made.push(store)
      return store
    },
    async dispose() {
      await Promise.all(made.map((store) => store.close()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export async function collect(chunks: AsyncIterable<LogChunk>): Promise<LogChunk[]> {
  const all: LogChunk[] = []
  for await (const chunk of chunks) all.push(chunk)
  return all
}

/** The text of the chunks, after checking that they say the truth about themselves. */
export function textOf(chunks: readonly LogChunk[], first = 1): string {
  let seq = first
  for (const chunk of chunks) {
    expect(chunk.seq).toBe(seq)
    expect(chunk.data.at(-1)).toBe(10)
    expect(chunk.lines).toBe(chunk.data.toString('latin1').split('\n').length - 1)
    seq += chunk.lines
  }
  return Buffer.concat(chunks.map((chunk) => chunk.data)).toString()
}

/** The text of the log `key`, whose first line in this range must be number `first`. */
export async function readText(
  store: LogStore,
  range: LogRange = {},
  first = (range.after ?? 0) + 1,
): Promise<string> {
  return textOf(await collect(store.read(key, range, forever)), first)
}

/** Waits until a log has so many lines. */
export async function hasLines(store: LogStore, lines: number, of = key): Promise<void> {
  await expect.poll(async () => (await store.stat(of))?.lines, { interval: 5 }).toBe(lines)
}

export function numbered(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}\n`).join('')
}

/** Takes chunks until they contain `text`. */
export async function until(chunks: AsyncIterator<LogChunk>, text: string): Promise<string> {
  let seen = ''
  while (!seen.includes(text)) {
    const item = await chunks.next()
    if (item.done === true) throw new Error(`ended before ${text}: ${seen}`)
    seen += item.value.data.toString()
  }
  return seen
}
