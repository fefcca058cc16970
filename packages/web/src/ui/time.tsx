import { useSyncExternalStore } from 'react'
import { formatDuration, formatLength, formatRelative } from '../format/time.ts'

/** One clock for all times on the page, so that they change together. */
const listeners = new Set<() => void>()
let now = Date.now()
let ticking: ReturnType<typeof setInterval> | null = null

function subscribe(listener: () => void) {
  listeners.add(listener)
  ticking ??= setInterval(() => {
    now = Date.now()
    for (const tell of listeners) tell()
  }, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || ticking === null) return
    clearInterval(ticking)
    ticking = null
  }
}

function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}

/** How long ago; the whole time on hovering. */
export function TimeAgo({ at }: { at: string | null }) {
  const present = useNow()
  if (at === null) return <span aria-label="never">–</span>
  const date = new Date(at)
  return (
    <time dateTime={at} title={date.toLocaleString()}>
      {formatRelative(date.getTime(), Math.max(present, Date.now() - 1000))}
    </time>
  )
}

/** How long something is so by now, `for 17 min`; the whole time since when on hovering. */
export function SinceTime({ at }: { at: string }) {
  const present = useNow()
  const date = new Date(at)
  const ms = Math.max(present, Date.now() - 1000) - date.getTime()
  return (
    <time dateTime={at} title={`since ${date.toLocaleString()}`}>
      for {formatLength(ms)}
    </time>
  )
}

/** From a start to an end, or to now as long as there is none. */
export function Duration({ from, to }: { from: string | null; to: string | null }) {
  const present = useNow()
  if (from === null) return <span>–</span>
  const end = to === null ? Math.max(present, Date.parse(from)) : Date.parse(to)
  return <span>{formatDuration(end - Date.parse(from))}</span>
}
