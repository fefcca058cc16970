/** `part` in percent of `whole`, at most two decimals; 0 of nothing. */
export function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : roundTo(2, (part / whole) * 100)
}

/** At most so many decimals. */
export function roundTo(decimals: number, value: number): number {
  const factor = 10 ** decimals
  return Math.round(value * factor) / factor
}

/** Whole seconds from one moment to another; never less than none. */
export function secondsBetween(from: Date | number, to: Date | number): number {
  return Math.max(0, Math.floor((Number(to) - Number(from)) / 1000))
}

/** The middle of some figures, of an even number the mean of both middles; null of none. */
export function medianOf(figures: readonly number[]): number | null {
  const sorted = figures.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2
}
