/**
 * What was computed, kept as long as what it was computed of is as it was: every value belongs to a
 * version, and is found under this one only. Forgets what was not asked for longest.
 */
export interface Memo {
  /** Undefined where nothing is kept for this version, or its time has passed. */
  recall(key: string, version: number, now: number): unknown
  /** `goodUntil` is the moment (ms) from which the value is wrong though nothing changed. */
  keep(key: string, version: number, value: unknown, goodUntil?: number): void
  /**
   * What is kept, or else what `make` answers, which all who ask meanwhile wait for, too. Where it
   * rejects, all of them learn it, and nothing is kept; likewise of what is good until null.
   */
  share<T>(key: string, version: number, now: number, make: () => Promise<Made<T>>): Promise<T>
}

export interface Made<T> {
  value: T
  goodUntil: number | null
}

interface Entry {
  version: number
  value: unknown
  goodUntil: number
}

export function createMemo(maxEntries: number): Memo {
  const entries = new Map<string, Entry>()

  function put(key: string, entry: Entry): void {
    entries.delete(key)
    entries.set(key, entry)
    const [oldest] = entries.keys()
    if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest)
  }

  function recall(key: string, version: number, now: number): unknown {
    const entry = entries.get(key)
    if (entry === undefined || entry.version !== version || entry.goodUntil <= now) return undefined
    put(key, entry)
    return entry.value
  }

  async function make<T>(key: string, entry: Entry, made: Promise<Made<T>>): Promise<T> {
    let goodUntil: number | null = null
    try {
      const result = await made
      goodUntil = result.goodUntil
      return result.value
    } finally {
      if (goodUntil !== null) entry.goodUntil = goodUntil
      // A newer version may be in its place by now.
      else if (entries.get(key) === entry) entries.delete(key)
    }
  }

  return {
    recall,
    keep(key, version, value, goodUntil = Number.POSITIVE_INFINITY) {
      put(key, { version, value, goodUntil })
    },
    share<T>(key: string, version: number, now: number, compute: () => Promise<Made<T>>) {
      const known = recall(key, version, now)
      if (known !== undefined) return known as Promise<T>
      const entry: Entry = { version, value: undefined, goodUntil: Number.POSITIVE_INFINITY }
      const promise = make(key, entry, compute())
      entry.value = promise
      put(key, entry)
      return promise
    },
  }
}
