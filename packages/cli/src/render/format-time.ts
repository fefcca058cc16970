/** `850ms`, `4.2s`, `3m 07s`, `2h 05m`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`
  const seconds = Math.round(ms / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`
  return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`
}

/** How long something took, or has taken until `now`; '' before its start. */
export function formatSpan(
  span: { started_at: string | null; completed_at: string | null },
  now: number,
): string {
  if (span.started_at === null) return ''
  const end = span.completed_at === null ? now : Date.parse(span.completed_at)
  return formatDuration(Math.max(0, end - Date.parse(span.started_at)))
}

/** An instant of the server for a table: `2026-01-31 12:34`, in UTC like every time that is shown. */
export function formatInstant(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ')
}

/** The same to the second: `2026-01-31 12:34:56`. */
export function formatMoment(instant: string): string {
  return instant.slice(0, 19).replace('T', ' ')
}
