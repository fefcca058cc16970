import type { BuildFrame } from '@slipway/contract/build-socket'
import type { BuildLog, BuildWithoutLog as Build } from '../../builds/index.ts'
import type { LiveLines } from './live-lines.ts'
import type { SendFrames } from './pace-frames.ts'
import { toLogFrames } from './to-log-frames.ts'
import { toStateFrames, toStatusFrame } from './to-state-frames.ts'
import type { Sight, WatchedBuild } from './watch-builds.ts'

export interface FollowBuildDeps {
  watched: WatchedBuild
  live: LiveLines
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
  const { watched, live, openLog, send } = deps
  const first = await watched.current(signal)
  if (first.build === null || signal.aborted) return null
  const stop = new AbortController()
  const lines = createLines({ log: openLog(first.build), live, watched, send }, input.after)
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
  { log, live, watched, send }: { log: Pick<BuildLog, 'lines'> } & Omit<FollowBuildDeps, 'openLog'>,
  after: number,
) {
  let seq = after

  async function tellSoFar(signal: AbortSignal): Promise<void> {
    for await (const chunk of log.lines({ after: seq }, signal)) {
      await send(toLogFrames(chunk))
      seq = chunk.seq + chunk.lines - 1
    }
  }

  async function tellAttempt({ id, attempt }: Build, signal: AbortSignal): Promise<void> {
    // A client may say that it has lines that are not there yet.
    const from = Math.min(seq, await lastLine(log, signal))
    const joined = live.join({ buildId: id, attempt, after: from, log })
    try {
      for (;;) {
        const next = await joined.next(seq, signal)
        if (next.is === 'over') {
          if (next.error !== undefined) throw next.error
          return
        }
        if (next.is === 'here') {
          await send(next.frames)
          seq += next.frames.length
        } else await tellSoFar(signal)
      }
    } finally {
      joined.leave()
    }
  }

  return {
    tellSoFar,
    /** Until the log is whole, or `signal` aborts. There is one once an attempt has begun. */
    async follow(first: Sight, signal: AbortSignal): Promise<void> {
      let sight = first
      let followed = 0
      for (;;) {
        const { build } = sight
        if (build === null || signal.aborted) return
        if (build.attempt > followed) {
          followed = build.attempt
          await tellAttempt(build, signal)
        }
        if (build.completed_at !== null) return
        sight = await watched.after(sight, signal)
      }
    },
  }
}

async function lastLine(log: Pick<BuildLog, 'lines'>, signal: AbortSignal): Promise<number> {
  let last = 0
  for await (const { seq, lines } of log.lines({ tail: 1 }, signal)) last = seq + lines - 1
  return last
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
