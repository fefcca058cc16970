import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEventRing } from './event-ring.ts'
import type { StoredEvent } from './stored-event.ts'

const event = (seq: number): StoredEvent => ({
  seq,
  type: 'pipeline.run.started',
  repository: null,
  runId: null,
  json: '{}',
})

describe('event ring', () => {
  it('holds exactly the newest events, whatever was appended in whatever pieces', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 50 }),
        // Steps from one seq to the next, in batches, some of which are appended twice.
        fc.array(
          fc.record({ steps: fc.array(fc.integer({ min: 1, max: 3 })), twice: fc.boolean() }),
        ),
        (capacity, start, batches) => {
          const ring = createEventRing(capacity)
          ring.restart(start)
          const all: number[] = []
          let last = start
          for (const { steps, twice } of batches) {
            const batch = steps.map((step) => (last += step))
            all.push(...batch)
            for (let i = 0; i < (twice ? 2 : 1); i += 1) ring.append(batch.map(event), last)
          }
          const kept = all.slice(-capacity)
          const read: number[] = []
          for (let next = ring.next(ring.floor); next; next = ring.next(next.seq)) {
            read.push(next.seq)
          }
          expect(read).toEqual(kept)
          expect(ring.last).toBe(last)
          expect(ring.floor).toBe(all.length > capacity ? all.at(-capacity - 1) : start)
          for (let seq = ring.floor; seq <= last; seq += 1) {
            expect(ring.next(seq)?.seq).toBe(kept.find((other) => other > seq))
          }
        },
      ),
    )
  })

  it('refuses to answer for what has fallen out', () => {
    const ring = createEventRing(2)
    ring.append([event(1), event(2), event(3)], 3)
    expect(() => ring.next(0)).toThrow(RangeError)
    expect(ring.next(1)?.seq).toBe(2)
  })

  it('goes on behind a restart, and knows of stretches without events', () => {
    const ring = createEventRing(2)
    ring.append([event(1)], 1)
    ring.restart(100)
    expect(ring.next(100)).toBeUndefined()
    ring.append([], 110)
    expect([ring.floor, ring.last]).toEqual([100, 110])
    ring.append([event(111)], 111)
    expect(ring.next(105)?.seq).toBe(111)
  })
})
