/** Milliseconds as the two largest units: `850 ms`, `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return join(minutes, 'min', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return join(hours, 'h', minutes % 60, 'min')
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/** How long before `now` (both in milliseconds since 1970): `now`, `5 min ago`, `3 d ago`. */
export function formatRelative(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000)
  const ahead = seconds < 0
  const away = Math.abs(seconds)
  if (away < 5) return 'now'
  const text = largest(away)
  return ahead ? `in ${text}` : `${text} ago`
}

/** Milliseconds as the largest unit alone: `17 min`. */
export function formatLength(ms: number): string {
  return largest(Math.max(1, Math.round(ms / 1000)))
}

function largest(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  if (seconds < 86_400 * 60) return `${Math.floor(seconds / 86_400)} d`
  return `${Math.floor(seconds / (86_400 * 30))} months`
}
