import type { BuildLog } from '../../builds/index.ts'
import { toLogFrames } from './to-log-frames.ts'

/**
 * The newest lines of logs that somebody follows, each read and written as a frame once for all its
 * followers. Who falls behind what is kept reads the log itself, so a slow one holds up nobody.
 */
export interface LiveLines {
  /** Follows the log of one attempt from behind line `after` on, unless somebody does already. */
  join(input: {
    buildId: number
    attempt: number
    after: number
    log: Pick<BuildLog, 'lines'>
  }): JoinedLines
}

export interface JoinedLines {
  /**
   * What comes behind line `after`, as soon as there is something: frames, that they are no longer kept
   * here, or that there is no more. The last one also when `signal` aborts.
   */
  next(after: number, signal: AbortSignal): Promise<NextLines>
  leave(): void
}

export type NextLines =
  | { is: 'here'; frames: readonly Buffer[] }
  | { is: 'behind' }
  | { is: 'over'; error?: Error }

/** Bytes of frames that are kept of each log. */
const keptBytes = 1_048_576

export function openLiveLines(maxBytes = keptBytes): LiveLines {
  const tails = new Map<string, Tail & { users: number }>()
  return {
    join({ buildId, attempt, after, log }) {
      const key = `${buildId}/${attempt}`
      let tail = tails.get(key)
      if (tail === undefined || tail.isOver()) {
        tail = Object.assign(startTail(log, after, maxBytes), { users: 0 })
        tails.set(key, tail)
      }
      const joined = tail
      joined.users += 1
      let left = false
      return {
        next: (seen, signal) => joined.next(seen, signal),
        leave() {
          if (left) return
          left = true
          joined.users -= 1
          if (joined.users > 0) return
          joined.stop()
          if (tails.get(key) === joined) tails.delete(key)
        },
      }
    },
  }
}

interface Tail {
  next(after: number, signal: AbortSignal): Promise<NextLines>
  isOver(): boolean
  stop(): void
}

interface Kept {
  /** Of its first line. */
  seq: number
  frames: Buffer[]
  bytes: number
}

function startTail(log: Pick<BuildLog, 'lines'>, after: number, maxBytes: number): Tail {
  const stopping = new AbortController()
  const waiting = new Set<() => void>()
  const kept: Kept[] = []
  let bytes = 0
  /** The last line that was read, and the last one that is no longer kept. */
  let last = after
  let floor = after
  let over: { error?: Error } | null = null

  const wakeAll = () => {
    for (const wake of waiting) wake()
  }

  async function run(): Promise<void> {
    try {
      const { signal } = stopping
      for await (const chunk of log.lines({ after, follow: true }, signal)) {
        const frames = toLogFrames(chunk)
        const size = frames.reduce((sum, frame) => sum + frame.length, 0)
        kept.push({ seq: chunk.seq, frames, bytes: size })
        bytes += size
        last = chunk.seq + frames.length - 1
        // The newest piece stays, however big it is: those who wait for it are here.
        while (bytes > maxBytes && kept.length > 1) {
          const oldest = kept.shift()
          if (oldest === undefined) break
          bytes -= oldest.bytes
          floor = oldest.seq + oldest.frames.length - 1
        }
        wakeAll()
      }
      over = {}
    } catch (error) {
      over = { error: error instanceof Error ? error : new Error(String(error)) }
    }
    wakeAll()
  }
  void run()

  function framesAfter(seen: number): Buffer[] {
    const frames: Buffer[] = []
    for (let index = kept.length - 1; index >= 0; index--) {
      const piece = kept[index]
      if (piece === undefined || piece.seq + piece.frames.length - 1 <= seen) break
      frames.unshift(...piece.frames.slice(Math.max(0, seen + 1 - piece.seq)))
    }
    return frames
  }

  return {
    isOver: () => over !== null,
    stop: () => stopping.abort(),
    async next(seen, signal) {
      for (;;) {
        if (signal.aborted) return { is: 'over' }
        if (seen < floor) return { is: 'behind' }
        if (seen < last) return { is: 'here', frames: framesAfter(seen) }
        if (over !== null) return { is: 'over', ...over }
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake)
            signal.removeEventListener('abort', wake)
            resolve()
          }
          waiting.add(wake)
          signal.addEventListener('abort', wake, { once: true })
        })
      }
    },
  }
}
