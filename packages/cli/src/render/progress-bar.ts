import { formatBytes } from './format-bytes.ts'
import { formatDuration } from './format-time.ts'

export interface Progress {
  /** Bytes that are there. */
  done: number
  /** Bytes in all; null: nobody says. */
  total: number | null
  /** Bytes of `done` that came within `spentMs`. */
  gained: number
  spentMs: number
}

const bar = 24

/** How much is done, 0 to 1, as a bar of so many characters. */
export function renderShare(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width)
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`
}

/** A line that says how far a transfer is, how fast, and how long it will take. */
export function renderProgress(
  { done, total, gained, spentMs }: Progress,
  columns: number,
): string {
  const perMs = spentMs > 0 ? gained / spentMs : 0
  const speed = spentMs >= 500 ? `${formatBytes(perMs * 1000)}/s` : ''
  if (total === null || total <= 0) return join([formatBytes(done), speed], columns)
  const share = Math.min(1, done / total)
  const drawn = renderShare(share, bar)
  const left =
    speed !== '' && perMs > 0 && done < total ? formatDuration((total - done) / perMs) : ''
  const amount = `${formatBytes(done)} of ${formatBytes(total)}`
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  return join([drawn, percent, amount, speed, left === '' ? '' : `${left} left`], columns)
}

/** As many of the parts as there is room for, the first one last to go. */
function join(parts: readonly string[], columns: number): string {
  let line = ''
  for (const part of parts) {
    if (part === '') continue
    const longer = line === '' ? part : `${line}  ${part}`
    if (longer.length > columns) break
    line = longer
  }
  return line
}
