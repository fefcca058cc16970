/** Milliseconds, three digits behind the point. */
export function percentiles(samples: readonly number[]): { p50: number; p99: number; n: number } {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (q: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
  return { p50: round(at(0.5)), p99: round(at(0.99)), n: sorted.length }
}

export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits))
}
