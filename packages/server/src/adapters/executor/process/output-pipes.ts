import { execFile } from 'node:child_process'
import { close as closeCallback, constants, open as openCallback } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { promisify } from 'node:util'

/**
 * Real pipes for the output of commands, shared by stdout and stderr so that both stay in order.
 * What node makes itself are sockets, which a command cannot open again as `/dev/stdout`.
 */
export interface OutputPipes {
  take(): Promise<OutputPipe>
  /** Removes what is on disk. Pipes in use stay usable. */
  close(): Promise<void>
}

/** Both descriptors belong to whoever took it. */
export interface OutputPipe {
  readonly reader: number
  readonly writer: number
  /** Gives the name back; only once every writer is known to have closed, else use `discard`. */
  recycle(): void
  discard(): void
}

// Plain descriptors: the reader becomes a socket's own, which a FileHandle would close a second time.
const open = promisify(openCallback)
export const closeDescriptor = promisify(closeCallback)

/** How many are kept open for the next executions, and made at once. */
const spare = 4

/** `mkfifo` is the path of that program; `directory` is emptied first. */
export async function openOutputPipes(mkfifo: string, directory: string): Promise<OutputPipes> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { mode: 0o700 })
  const free: string[] = []
  const ready: OutputPipe[] = []
  let made = 0
  let making: Promise<void> | null = null
  let closed = false

  const makeNames = async (): Promise<void> => {
    const paths = Array.from({ length: spare }, () => `${directory}/${made++}`)
    await promisify(execFile)(mkfifo, ['-m', '600', ...paths], { env: {} })
    free.push(...paths)
  }
  const create = async (): Promise<OutputPipe> => {
    while (free.length === 0) {
      making ??= makeNames().finally(() => {
        making = null
      })
      await making
    }
    const path = free.pop() ?? ''
    // The reader goes first and without waiting, so that the writer finds it.
    const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const writer = await open(path, constants.O_WRONLY)
      const discard = (): void => void rm(path, { force: true }).catch(() => {})
      return { reader, writer, recycle: () => void (closed ? discard() : free.push(path)), discard }
    } catch (error) {
      await closeDescriptor(reader)
      throw error
    }
  }
  const refill = async (): Promise<void> => {
    while (!closed && ready.length < spare) {
      const pipe = await create()
      if (closed) await release(pipe)
      else ready.push(pipe)
    }
  }
  let refilling: Promise<void> | null = null

  await refill()
  return {
    async take() {
      const pipe = ready.pop() ?? (await create())
      // A failure shows again, and is told, when somebody has to wait for a pipe.
      refilling ??= refill()
        .catch(() => {})
        .finally(() => {
          refilling = null
        })
      return pipe
    },
    async close() {
      closed = true
      await refilling
      await Promise.all(ready.splice(0).map(release))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function release(pipe: OutputPipe): Promise<void> {
  await Promise.all([closeDescriptor(pipe.reader), closeDescriptor(pipe.writer)])
}
