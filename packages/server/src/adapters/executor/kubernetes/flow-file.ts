import { mkdir, open, rm } from 'node:fs/promises'
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
  const file = await open(join(directory, 'taken'), 'wx', 0o644)
  let total = 0
  let told = 0
  let isReleased = false
  const tell = async (bytes: number): Promise<void> => {
    told = bytes
    // In place, as a container has the directory and another node has the file open; synced, so that it sees it.
    await file.write(`${String(bytes).padStart(width)}\n`, 0)
    await file.datasync()
  }
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
      await file.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
