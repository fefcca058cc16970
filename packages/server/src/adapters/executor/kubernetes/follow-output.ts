import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import { createBackOff, isGone, type Kubernetes, pods } from '../../../kubernetes/index.ts'
import type { OutputSink } from '../../../ports/executor.ts'
import type { FlowFile } from './flow-file.ts'
import { createLogPosition } from './log-position.ts'
import { containerName } from './pod-state.ts'

/** Milliseconds that a log has to end by itself once its container has. */
const endMs = 5_000
/** Milliseconds of silence after which a connection is replaced: one that is dead says nothing either. */
const silenceMs = 120_000
/** What a step says where its node had thrown away some of its log before it was read. */
const gapNotice = '\n--- some output is missing here: its node no longer had it ---\n'

export interface FollowedOutput {
  /** Bytes at most; one more and `onLimit` is called. */
  limit: number
  onLimit(): void
  onSinkError(error: unknown): void
}

/**
 * Hands the output of a pod's container to the sink, at its pace, each byte once, wherever connections break
 * and for however long the API server is away. Resolves when all of it was handed over: true; or false where
 * the rest of it can be had no more.
 *
 * @param ended aborts when the container has ended; what is there then is all there will be
 */
export async function followOutput(
  deps: { kubernetes: Kubernetes; log: Logger; flow: FlowFile },
  input: { pod: string; sink: OutputSink; ended: AbortSignal } & FollowedOutput,
  signal: AbortSignal,
): Promise<boolean> {
  const { kubernetes, log, flow } = deps
  const { pod, sink, ended } = input
  const position = createLogPosition()
  const back = createBackOff()
  let left = input.limit
  let isDiscarding = false
  let hasTold = false
  /** The kubelet ends a log that is followed when it has been read to its end, and at no other time. */
  let wasWhole = false

  const hand = async (chunk: Buffer): Promise<void> => {
    if (isDiscarding) return
    const taken = chunk.length > left ? chunk.subarray(0, left) : chunk
    left -= taken.length
    try {
      if (taken.length > 0) await sink.write(taken)
    } catch (error) {
      isDiscarding = true
      input.onSinkError(error)
      return
    }
    if (taken.length < chunk.length) {
      isDiscarding = true
      input.onLimit()
    } else await flow.taken(taken.length)
  }
  const read = async (follow: boolean): Promise<void> => {
    position.rewind()
    const since = position.since()
    const query = {
      container: containerName,
      timestamps: 'true',
      follow: String(follow),
      sinceTime: since ?? undefined,
    }
    const answer = await kubernetes.stream(
      { method: 'GET', resource: pods, name: pod, part: 'log', query },
      signal,
    )
    for await (const chunk of whileAlive(answer, ended)) {
      const own = position.take(chunk)
      // What is missing was before everything that is handed out after a rewind.
      if (position.hasGap() && !hasTold) {
        hasTold = true
        // It waits for what nobody will take.
        await flow.release()
        await hand(Buffer.from(gapNotice))
      }
      if (own.length > 0) await hand(own)
      if (isDiscarding) break
      back.reset()
    }
  }

  while (!isDiscarding) {
    // Asked before: a container that ends while its log is read may write more than was read.
    const isLast = ended.aborted
    try {
      await read(!isLast)
      // A log that is gone may be answered by words of the kubelet's.
      if (isLast) return wasWhole || !position.isLost()
      wasWhole = !position.isLost()
    } catch (error) {
      signal.throwIfAborted()
      if (isLast && isGone(error)) return wasWhole
      wasWhole = false
      log.debug({ err: error, pod }, 'the log of a step broke off')
    }
    if (!ended.aborted) await back.pause(AbortSignal.any([signal, ended])).catch(() => {})
    else if (isLast) await back.pause(signal)
    signal.throwIfAborted()
  }
  return true
}

/** The chunks of an answer, until it falls silent, or its container has ended and it has not. */
async function* whileAlive(answer: IncomingMessage, ended: AbortSignal): AsyncGenerator<Buffer> {
  let timer: NodeJS.Timeout | undefined
  const wait = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => answer.destroy(new Error(`silent for ${ms} ms`)), ms)
  }
  const hurry = () => wait(endMs)
  wait(silenceMs)
  if (ended.aborted) hurry()
  else ended.addEventListener('abort', hurry, { once: true })
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      // The time that the sink takes does not count.
      clearTimeout(timer)
      yield chunk
      wait(ended.aborted ? endMs : silenceMs)
    }
  } finally {
    clearTimeout(timer)
    ended.removeEventListener('abort', hurry)
    answer.destroy()
  }
}
