const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** What can be kept longer or shorter. */
export const kinds = ['runs', 'logs', 'jobs', 'events'] as const
export type Kind = (typeof kinds)[number]

/** Milliseconds that finished things are kept. */
export type KeptMs = Readonly<Record<Kind, number>>

/** What the configuration says, and what of it is not to be changed elsewhere. */
export interface ConfiguredTimes {
  keptMs: KeptMs
  /** `file`: it is written there; `bucket`: rules of the object storage follow it. */
  fixed: Readonly<Partial<Record<Kind, 'file' | 'bucket'>>>
}

/** Milliseconds from the end of a pass to the next. */
export const passEveryMs = hourMs
export const shortestMs = hourMs
export const longestMs = 3_650 * dayMs

/** Milliseconds as a duration is written: in the greatest unit that is whole. */
export function writeDuration(ms: number): string {
  const units = [
    ['d', dayMs],
    ['h', hourMs],
    ['m', 60_000],
    ['s', 1_000],
  ] as const
  for (const [unit, of] of units) if (ms % of === 0) return `${ms / of}${unit}`
  return `${ms}ms`
}
