import { setTimeout as pause } from 'node:timers/promises'
import type { AppError } from '../errors.ts'
import { ServerAway } from '../servers/index.ts'
import type { FileLogStore, FollowEnd } from './file-log-store.ts'
import type { LogPeers } from './log-peers.ts'
import type { LogPlace, LogPlaces } from './log-places.ts'
import type { LogChunk, LogRange, LogStore } from './log-store.ts'

/** Milliseconds for which a server that broke off, and still has the log, is asked again. */
const patienceMs = 15_000
const retryMs = 500
/** Milliseconds after which a log that has not begun is looked for in the object store once more. */
const beginMs = 2_000

export interface FollowSharedDeps {
  local: FileLogStore
  places: LogPlaces
  peers: LogPeers
  home: string
  stat: LogStore['stat']
  unavailable: (error: ServerAway) => AppError
}

/**
 * Follows a log wherever it is, and to wherever it goes: its line numbers are the same in all places. Ends
 * where the log does. Rejects with `unavailable` when the server that has it cannot be asked for a while.
 */
export async function* followShared(
  deps: FollowSharedDeps,
  key: string,
  range: LogRange,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  const { local, places } = deps
  // What the last lines are is asked once, or lines would be missed where the log moves.
  let rest = range.tail === undefined ? range : await lastLines(deps, key, range)
  let hasFollowed = false
  let awaySince: number | null = null
  while (!signal.aborted) {
    const place: LogPlace | null = local.isWritten(key)
      ? { home: deps.home }
      : await places.find(key)
    const isReady = place !== null && place.home !== null
    if (!isReady && (await local.stat(key)) === null) {
      // Deleted while it was followed.
      if (hasFollowed && place === null) return
      await places.changed(key, place, signal, beginMs)
      continue
    }
    try {
      const end = yield* followAt(deps, { key, place, range: rest }, signal, (seen) => {
        rest = { after: seen }
        awaySince = null
      })
      if (end === 'ended' || end === 'aborted') return
      hasFollowed = true
    } catch (error) {
      if (!(error instanceof ServerAway)) throw error
      awaySince ??= performance.now()
      if (performance.now() - awaySince > patienceMs) throw deps.unavailable(error)
      await pause(retryMs, undefined, { signal }).catch(() => {})
      continue
    }
    // Moved, or sealed: for good, where nobody holds it any more.
    const now = await places.find(key)
    if (now === null) {
      if (place === null) return
    } else if (now.home === place?.home) {
      // It waits for somebody to go on with it, or is just being handed over.
      await places.changed(key, now, signal, now.home === null ? undefined : retryMs)
    }
  }
}

async function lastLines(
  deps: FollowSharedDeps,
  key: string,
  { after = 0, tail = 0 }: LogRange,
): Promise<LogRange> {
  const lines = (await deps.stat(key))?.lines ?? 0
  return { after: Math.max(after, lines - tail) }
}

/** Follows the log where it is now; ends also when it goes elsewhere. */
async function* followAt(
  { local, places, peers, home }: FollowSharedDeps,
  input: { key: string; place: LogPlace | null; range: LogRange },
  signal: AbortSignal,
  seen: (seq: number) => void,
): AsyncGenerator<LogChunk, FollowEnd | 'moved'> {
  const { key, place, range } = input
  const other = place === null || place.home === home ? null : place.home
  const moved = new AbortController()
  const either = AbortSignal.any([signal, moved.signal])
  const inner =
    other === null ? local.follow(key, range, either) : peers.follow(other, key, range, either)
  // Whoever writes it here would be told first.
  if (!local.isWritten(key)) {
    void places.changed(key, place, either).then(() => moved.abort())
  }
  try {
    for (;;) {
      const next = await inner.next()
      if (next.done === true) {
        return next.value === 'aborted' && !signal.aborted ? 'moved' : next.value
      }
      seen(next.value.seq + next.value.lines - 1)
      yield next.value
    }
  } finally {
    moved.abort()
    await inner.return('aborted')
  }
}
