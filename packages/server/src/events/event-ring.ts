import type { StoredEvent } from './stored-event.ts'

/**
 * The newest events, in memory. Holds every event with `floor < seq <= last`, and never more than
 * its capacity: what is older falls out and raises the floor.
 */
export interface EventRing {
  readonly floor: number
  readonly last: number
  /**
   * Adds events in ascending order; those that are in already are skipped. The caller vouches that
   * no event exists between the old `last` and `upTo` that is not among them.
   */
  append(events: readonly StoredEvent[], upTo: number): void
  /** The first event behind `seq`, which must not be below the floor. */
  next(seq: number): StoredEvent | undefined
  /** Empties the ring and goes on behind `seq`. */
  restart(seq: number): void
}

export function createEventRing(capacity: number): EventRing {
  const slots: (StoredEvent | undefined)[] = Array.from({ length: capacity })
  let first = 0
  let size = 0
  let floor = 0
  let last = 0

  const at = (index: number) => slots[(first + index) % capacity] as StoredEvent

  const push = (event: StoredEvent) => {
    if (size === capacity) {
      floor = at(0).seq
      slots[first] = event
      first = (first + 1) % capacity
    } else {
      slots[(first + size) % capacity] = event
      size += 1
    }
    last = event.seq
  }

  /** Index of the first event behind `seq`; `size` if there is none. */
  const search = (seq: number) => {
    let low = 0
    let high = size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (at(middle).seq > seq) high = middle
      else low = middle + 1
    }
    return low
  }

  return {
    get floor() {
      return floor
    },
    get last() {
      return last
    },
    append(events, upTo) {
      for (const event of events) if (event.seq > last) push(event)
      if (upTo > last) last = upTo
    },
    next(seq) {
      if (seq < floor) throw new RangeError(`Event ${seq} is below the ring's floor ${floor}`)
      const index = search(seq)
      return index < size ? at(index) : undefined
    },
    restart(seq) {
      slots.fill(undefined)
      first = 0
      size = 0
      floor = seq
      last = seq
    },
  }
}
