/**
 * What was computed, kept as long as what it was computed of is as it was: every value belongs to a
 * version, and is found under this one only. Forgets what was not asked for longest.
 */
export interface Memo {
  /** Undefined where nothing is kept for this version, or its time has passed. */
  recall(key: string, version: number, now: number): unknown
  /** `goodUntil` is the moment (ms) from which the value is wrong though nothing changed. */
  keep(key: string, version: number, value: unknown, goodUntil?: number): void
}

export function createMemo(maxEntries: number): Memo {
  const entries = new Map<string, { version: number; value: unknown; goodUntil: number }>()
  return {
    recall(key, version, now) {
      const entry = entries.get(key)
      if (entry === undefined || entry.version !== version || entry.goodUntil <= now) {
        return undefined
      }
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    keep(key, version, value, goodUntil = Number.POSITIVE_INFINITY) {
      entries.delete(key)
      entries.set(key, { version, value, goodUntil })
      const [oldest] = entries.keys()
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest)
    },
  }
}
