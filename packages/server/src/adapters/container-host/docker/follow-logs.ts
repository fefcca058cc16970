import {
  createBackOff,
  type Docker,
  hasEnded,
  inspectContainer,
  isAway,
  isTold,
  readFrames,
  waitForEnd,
} from '../../../docker/index.ts'
import type { ContainerOutput } from '../../../ports/container-host.ts'
import { createLogEntries, type LogEntries } from './log-entries.ts'
import { createRotationGuess, type RotationGuess } from './rotation-guess.ts'

/** The sink rejected: not the engine's doing. */
class SinkFailure extends Error {
  override readonly name = 'SinkFailure'
}

/** Milliseconds of silence after which the engine is asked anew where it may have forgotten us. */
const quietMs = 2_000
const lookMs = 500

/**
 * Hands on what a container writes until it has ended. The engine keeps it, so that nothing is lost or
 * doubled while the engine is away or this connection breaks: it is waited for, and asked for the rest.
 */
export async function followLogs(
  docker: Docker,
  input: {
    id: string
    since: Date | null
    sink: ContainerOutput
    /** Bytes at which the engine begins another file. */
    fileBytes: number
  },
  signal: AbortSignal,
): Promise<void> {
  const { id } = input
  const over = new AbortController()
  const until = AbortSignal.any([signal, over.signal])
  const entries = createLogEntries(input.since)
  const rotation = createRotationGuess(input.fileBytes)
  const pace = watchPace(input.sink)
  let hasContainerEnded = false
  const watching = waitForEnd(docker, id, until).then(() => {
    pace.touch()
    hasContainerEnded = true
  })
  watching.catch(() => {})
  const back = createBackOff()
  try {
    for (let isLast = false; ;) {
      const before = entries.since
      const silence = new AbortController()
      const timer = setInterval(() => {
        if (!pace.isQuiet()) return
        if (hasContainerEnded || rotation.take()) silence.abort(new Error('asked anew'))
      }, lookMs)
      const reading = isLast ? until : AbortSignal.any([until, silence.signal])
      try {
        const how = { id, entries, rotation, sink: pace.sink, follow: !isLast }
        await readOnce(docker, how, reading)
        if (isLast) return
        // A following that ends may have left something out, above all of what was rotated away meanwhile.
        isLast = hasEnded(await inspectContainer(docker, id, until))
        if (isLast) continue
      } catch (error) {
        if (error instanceof SinkFailure) throw error.cause
        signal.throwIfAborted()
        if (silence.signal.aborted) {
          isLast = hasContainerEnded
          continue
        }
        if (isTold(error) && !isAway(error)) throw error
      } finally {
        clearInterval(timer)
      }
      if (entries.since !== before) back.reset()
      await back.pause(until)
    }
  } finally {
    over.abort(new Error('the reading is over'))
  }
}

/** Knows when output was last taken; the time that the taking takes is not the engine's. */
function watchPace(sink: ContainerOutput) {
  let last = performance.now()
  let isBusy = false
  return {
    sink: {
      async write(chunk: Buffer, at?: Date) {
        isBusy = true
        try {
          await sink.write(chunk, at)
        } catch (error) {
          throw new SinkFailure('The output is not taken', { cause: error })
        } finally {
          isBusy = false
          last = performance.now()
        }
      },
    },
    touch: () => (last = performance.now()),
    isQuiet: () => !isBusy && performance.now() - last > quietMs,
  }
}

async function readOnce(
  docker: Docker,
  input: {
    id: string
    sink: ContainerOutput
    entries: LogEntries
    rotation: RotationGuess
    follow: boolean
  },
  signal: AbortSignal,
): Promise<void> {
  const { id, sink, entries, rotation, follow } = input
  const answer = await docker.send(
    {
      method: 'GET',
      path: `/containers/${encodeURIComponent(id)}/logs`,
      query: {
        follow: follow ? '1' : '0',
        stdout: '1',
        stderr: '1',
        timestamps: '1',
        since: entries.since ?? undefined,
      },
      answerMs: null,
    },
    signal,
  )
  entries.begin()
  try {
    for await (const frames of readFrames(answer)) {
      rotation.add(frames)
      for (const { chunk, at } of entries.take(frames)) await sink.write(chunk, at)
    }
  } finally {
    answer.destroy()
  }
}
