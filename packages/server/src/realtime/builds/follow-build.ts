import type { BuildFrame } from '@slipway/contract/build-socket'
import type { BuildLog, BuildWithoutLog as Build } from '../../builds/index.ts'
import type { LogChunk } from '../../logs/index.ts'
import type { SendFrames } from './pace-frames.ts'
import { toLogFrames } from './to-log-frames.ts'
import { toStateFrames, toStatusFrame } from './to-state-frames.ts'
import type { Sight, WatchedBuild } from './watch-builds.ts'

export interface FollowBuildDeps {
  watched: WatchedBuild
  openLog: (build: Build) => Pick<BuildLog, 'lines'>
  send: SendFrames
}

/** Milliseconds after the end of a build in which its last lines may come. */
const lastLinesMs = 5_000
/** So long after it, all of its lines are there. */
const settledMs = 15_000

/**
 * Tells a client of a build, each thing once: its state, its lines from behind `after` on, its steps, and
 * when it has ended and every line was told, its outputs and its end. Answers the build as it ended; null
 * where `signal` aborted first, or the build is gone.
 */
export async function followBuild(
  deps: FollowBuildDeps,
  input: { after: number },
  signal: AbortSignal,
): Promise<Build | null> {
  const { watched, openLog, send } = deps
  const first = await watched.current(signal)
  if (first.build === null || signal.aborted) return null
  const stop = new AbortController()
  const lines = createLines({ log: openLog(first.build), watched, send }, input.after)
  await send(toStateFrames(null, first.build).map(toText))
  const following = begin(first.build)
  const failed = failure(following)
  try {
    let sight = first
    let told = first.build
    while (told.completed_at === null) {
      sight = await Promise.race([watched.after(sight, signal), failed])
      if (sight.build === null || signal.aborted) return null
      await send(toStateFrames(told, sight.build).map(toText))
      told = sight.build
    }
    await settled(following, signal)
    stop.abort()
    await following
    await lines.tellSoFar(signal)
    if (signal.aborted) return null
    await send(endOf(told).map(toText))
    return told
  } finally {
    stop.abort()
    await following.catch(() => {})
  }

  async function begin(build: Build): Promise<void> {
    await lines.tellSoFar(signal)
    const endedAt = build.completed_at === null ? null : Date.parse(build.completed_at)
    if (endedAt !== null && Date.now() - endedAt > settledMs) return
    await lines.follow(first, AbortSignal.any([signal, stop.signal]))
  }
}

/** The lines of one build for one client, each once. */
function createLines(
  { log, watched, send }: { log: Pick<BuildLog, 'lines'> } & Omit<FollowBuildDeps, 'openLog'>,
  after: number,
) {
  let seq = after

  async function tell(chunks: AsyncIterable<LogChunk>): Promise<void> {
    for await (const chunk of chunks) {
      await send(toLogFrames(chunk))
      seq = chunk.seq + chunk.lines - 1
    }
  }
  return {
    tellSoFar: (signal: AbortSignal) => tell(log.lines({ after: seq }, signal)),
    /** Until the log is whole, or `signal` aborts. There is one once an attempt has begun. */
    async follow(first: Sight, signal: AbortSignal): Promise<void> {
      let sight = first
      let followed = 0
      for (;;) {
        const { build } = sight
        if (build === null || signal.aborted) return
        if (build.attempt > followed) {
          followed = build.attempt
          await tell(log.lines({ after: seq, follow: true }, signal))
        }
        if (build.completed_at !== null) return
        sight = await watched.after(sight, signal)
      }
    },
  }
}

/** Never resolves; rejects when the work does, whoever looks. */
function failure(work: Promise<void>): Promise<never> {
  const failed = new Promise<never>((_, reject) => void work.catch(reject))
  failed.catch(() => {})
  return failed
}

async function settled(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(lastLinesMs)])
  const late = new Promise<void>((resolve) => {
    if (deadline.aborted) resolve()
    deadline.addEventListener('abort', () => resolve(), { once: true })
  })
  await Promise.race([work, late])
}

function endOf(build: Build): BuildFrame[] {
  const outputs = build.build_outputs.map((output): BuildFrame => ({
    type: 'output',
    build_output: output,
  }))
  return [...outputs, toStatusFrame(build), { type: 'end', status: build.status }]
}

function toText(frame: BuildFrame): string {
  return JSON.stringify(frame)
}
