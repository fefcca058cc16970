import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import { createBackOff } from './back-off.ts'
import type { Kubernetes } from './connect-kubernetes.ts'
import { isGone } from './kubernetes-refusal.ts'
import { createLogPosition, type LogPart } from './log-position.ts'
import { containerName } from './pod-state.ts'
import { pods } from './resources.ts'

/** Milliseconds that a log has to end by itself once its container has. */
const endMs = 5_000
/** Milliseconds of silence after which a connection is replaced: one that is dead says nothing either. */
const silenceMs = 120_000

export interface FollowedLog {
  pod: string
  /** Aborts when the container has ended; what is there then is all there will be. */
  ended: AbortSignal
  /** Holds the reading back; false: what follows is not wanted. Never rejects. */
  take(part: LogPart): Promise<boolean>
  /** Told once, before what comes next: the node has thrown away some of the log before it was read. */
  missed(): Promise<void>
}

/**
 * Hands on the log of a pod's container, at the taker's pace, each byte once, wherever connections break and
 * for however long the API server is away. Resolves when all that is wanted was handed on: true; or false
 * where the rest of it can be had no more.
 */
export async function followLog(
  { kubernetes, log }: { kubernetes: Kubernetes; log: Logger },
  { pod, ended, take, missed }: FollowedLog,
  signal: AbortSignal,
): Promise<boolean> {
  const position = createLogPosition()
  const back = createBackOff()
  let isWanted = true
  let hasTold = false
  /** The kubelet ends a log that is followed when it has been read to its end, and at no other time. */
  let wasWhole = false

  const hand = async (parts: readonly LogPart[]): Promise<void> => {
    // What is missing was before everything that is handed out after a rewind.
    if (position.hasGap() && !hasTold) {
      hasTold = true
      await missed()
    }
    for (const part of parts) {
      isWanted = await take(part)
      if (!isWanted) return
    }
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
      await hand(position.take(chunk))
      if (!isWanted) break
      back.reset()
    }
  }

  while (isWanted) {
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
      log.debug({ err: error, pod }, 'the log of a pod broke off')
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
