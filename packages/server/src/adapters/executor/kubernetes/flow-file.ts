import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes that a step's container may be ahead of what was taken of its output. */
export const windowBytes = 2 * 1024 * 1024
/** It is told in steps of so many bytes. */
const stepBytes = windowBytes / 4
/** More than any output has: nothing is held back any more. */
const unlimited = Number.MAX_SAFE_INTEGER
/** So that a reader finds a number whenever it looks. */
const width = 17

/** Tells a step's container how much of its output was taken. */
export interface FlowFile {
  /** On the shared volume; holds the file alone. */
  directory: string
  taken(bytes: number): Promise<void>
  /** From now on nothing is held back: some output will never come. */
  release(): Promise<void>
  /** Removes it. */
  close(): Promise<void>
}

export async function openFlowFile(parent: string, name: string): Promise<FlowFile> {
  const directory = join(parent, name)
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const path = join(directory, 'taken')
  let total = 0
  let told = 0
  let isReleased = false
  const tell = async (bytes: number): Promise<void> => {
    told = bytes
    // Opened and closed each time: on network storage, another node sees what was closed before it opens.
    const file = await open(path, 'r+')
    try {
      await file.write(`${String(bytes).padStart(width)}\n`, 0)
    } finally {
      await file.close()
    }
  }
  await writeFile(path, '', { flag: 'wx', mode: 0o644 })
  await tell(0)
  return {
    directory,
    async taken(bytes) {
      total += bytes
      if (!isReleased && total - told >= stepBytes) await tell(total)
    },
    async release() {
      if (isReleased) return
      isReleased = true
      await tell(unlimited)
    },
    async close() {
      isReleased = true
      await rm(directory, { recursive: true, force: true })
    },
  }
}
