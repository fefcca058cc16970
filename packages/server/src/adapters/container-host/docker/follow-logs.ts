import {
  createBackOff,
  type Docker,
  hasEnded,
  inspectContainer,
  isAway,
  isTold,
  readFrames,
} from '../../../docker/index.ts'
import type { ContainerOutput } from '../../../ports/container-host.ts'
import { createLogEntries, type LogEntries } from './log-entries.ts'

/** The sink rejected: not the engine's doing. */
class SinkFailure extends Error {
  override readonly name = 'SinkFailure'
}

/**
 * Hands on what a container writes until it has ended. The engine keeps it, so that nothing is lost or
 * doubled while the engine is away or this connection breaks: it is waited for, and asked for the rest.
 */
export async function followLogs(
  docker: Docker,
  input: { id: string; since: Date | null; sink: ContainerOutput },
  signal: AbortSignal,
): Promise<void> {
  const { id, sink } = input
  const entries = createLogEntries(input.since)
  const back = createBackOff()
  for (;;) {
    const before = entries.since
    try {
      await readOnce(docker, { id, sink, entries }, signal)
      if (hasEnded(await inspectContainer(docker, id, signal))) return
    } catch (error) {
      if (error instanceof SinkFailure) throw error.cause
      signal.throwIfAborted()
      if (isTold(error) && !isAway(error)) throw error
    }
    if (entries.since !== before) back.reset()
    await back.pause(signal)
  }
}

async function readOnce(
  docker: Docker,
  input: { id: string; sink: ContainerOutput; entries: LogEntries },
  signal: AbortSignal,
): Promise<void> {
  const { id, sink, entries } = input
  const answer = await docker.send(
    {
      method: 'GET',
      path: `/containers/${encodeURIComponent(id)}/logs`,
      query: {
        follow: '1',
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
      for (const { chunk, at } of entries.take(frames)) await hand(sink, chunk, at)
    }
  } finally {
    answer.destroy()
  }
}

async function hand(sink: ContainerOutput, chunk: Buffer, at: Date): Promise<void> {
  try {
    await sink.write(chunk, at)
  } catch (error) {
    throw new SinkFailure('The output is not taken', { cause: error })
  }
}
