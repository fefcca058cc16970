import { Socket } from 'node:net'
import type { OutputSink } from '../../../ports/executor.ts'

export interface OutputPump {
  /** Resolves once everything was handed over: true at the end of the output, false if given up. */
  readonly ended: Promise<boolean>
  /** The first bytes of the output. */
  head(): string
  /**
   * Lets go of the pipe when nothing has come through it for so long, though somebody still holds its
   * other end. The time that the sink takes does not count.
   */
  abandonWhenQuiet(ms: number): void
}

export interface PumpOptions {
  limit: number
  /** One byte more than `limit` has come; what follows is read and thrown away. */
  onLimit(): void
  onSinkError(error: unknown): void
}

/** Bytes of output kept to tell why a sandbox could not be set up. */
const headBytes = 1024

/** Reads the pipe `descriptor`, which it owns from now on, at the pace of the sink. */
export function pumpOutput(descriptor: number, sink: OutputSink, options: PumpOptions): OutputPump {
  const socket = new Socket({ fd: descriptor, readable: true, writable: false })
  let left = options.limit
  let discarding = false
  let head = Buffer.alloc(0)
  let busy: Promise<void> = Promise.resolve()
  let complete = false
  let quietMs: number | null = null
  let quiet: NodeJS.Timeout | undefined
  const watch = (): void => {
    clearTimeout(quiet)
    if (quietMs !== null && !socket.isPaused()) quiet = setTimeout(() => socket.destroy(), quietMs)
  }

  const fail = (error: unknown): void => {
    discarding = true
    options.onSinkError(error)
  }
  socket.on('data', (chunk: Buffer) => {
    if (discarding) {
      watch()
      return
    }
    if (head.length < headBytes) {
      head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)])
    }
    const over = chunk.length > left
    const taken = over ? chunk.subarray(0, left) : chunk
    left -= taken.length
    try {
      const written = taken.length > 0 ? sink.write(taken) : undefined
      if (written !== undefined) {
        socket.pause()
        busy = written.then(undefined, fail).then(() => {
          socket.resume()
          watch()
        })
      }
    } catch (error) {
      fail(error)
    }
    watch()
    if (over && !discarding) {
      discarding = true
      options.onLimit()
    }
  })
  socket.on('end', () => {
    complete = true
  })
  socket.on('error', fail)
  const ended = new Promise<boolean>((resolve) => {
    socket.on('close', () => clearTimeout(quiet))
    socket.on('close', () => void busy.then(() => resolve(complete)))
  })
  return {
    ended,
    head: () => head.toString('utf8'),
    abandonWhenQuiet(ms) {
      quietMs = ms
      watch()
    },
  }
}
