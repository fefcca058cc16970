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
  /** How much memory it takes, in whatever unit the memo's limit has. Default: none. */
  weight?: number
}

interface Entry {
  version: number
  value: unknown
  goodUntil: number
  weight: number
}

/** Holds at most so many entries, and no more than `maxWeight` of what those together weigh that are shared. */
export function createMemo(maxEntries: number, maxWeight = Number.POSITIVE_INFINITY): Memo {
  const entries = new Map<string, Entry>()
  let weight = 0

  function drop(key: string): void {
    weight -= entries.get(key)?.weight ?? 0
    entries.delete(key)
  }

  function put(key: string, entry: Entry): void {
    drop(key)
    entries.set(key, entry)
    weight += entry.weight
    for (const oldest of entries.keys()) {
      if (entries.size <= maxEntries && weight <= maxWeight) return
      drop(oldest)
    }
  }

  function recall(key: string, version: number, now: number): unknown {
    const entry = entries.get(key)
    if (entry === undefined || entry.version !== version || entry.goodUntil <= now) return undefined
    put(key, entry)
    return entry.value
  }

  async function make<T>(key: string, entry: Entry, made: Promise<Made<T>>): Promise<T> {
    let result: Made<T> | null = null
    try {
      result = await made
      return result.value
    } finally {
      // Another version may be in its place by now.
      if (entries.get(key) === entry) {
        drop(key)
        const { goodUntil = null, weight: own = 0 } = result ?? {}
        if (goodUntil !== null && own <= maxWeight) put(key, { ...entry, goodUntil, weight: own })
      }
    }
  }

  return {
    recall,
    keep(key, version, value, goodUntil = Number.POSITIVE_INFINITY) {
      put(key, { version, value, goodUntil, weight: 0 })
    },
    share<T>(key: string, version: number, now: number, compute: () => Promise<Made<T>>) {
      const known = recall(key, version, now)
      if (known !== undefined) return known as Promise<T>
      const goodUntil = Number.POSITIVE_INFINITY
      const entry: Entry = { version, value: undefined, goodUntil, weight: 0 }
      const promise = make(key, entry, compute())
      entry.value = promise
      put(key, entry)
      return promise
    },
  }
}
