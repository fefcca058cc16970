import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pendingOf } from './migrate.ts'

const files = fc
  .uniqueArray(fc.integer({ min: 1, max: 9999 }), { minLength: 1, maxLength: 12 })
  .map((numbers) =>
    numbers
      .toSorted((a, b) => a - b)
      .map((number) => ({
        name: `${String(number).padStart(4, '0')}_x.sql`,
        checksum: `c${number}`,
      })),
  )

test('whatever was applied first, the rest is pending, in order', () => {
  fc.assert(
    fc.property(files, fc.nat(12), (all, count) => {
      const applied = new Map(all.slice(0, count).map(({ name, checksum }) => [name, checksum]))
      expect(pendingOf(all, applied)).toEqual(all.slice(count).map(({ name }) => name))
    }),
  )
})

test('a migration that the program does not have is refused', () => {
  fc.assert(
    fc.property(files, (all) => {
      const applied = new Map(all.map(({ name, checksum }) => [name, checksum]))
      expect(() => pendingOf(all.slice(0, -1), applied)).toThrow(/newer than this program/)
    }),
  )
})

test('a migration that was changed after it was applied is refused', () => {
  fc.assert(
    fc.property(files, fc.nat(), (all, pick) => {
      const applied = new Map(all.map(({ name, checksum }) => [name, checksum]))
      applied.set(all[pick % all.length]!.name, 'other')
      expect(() => pendingOf(all, applied)).toThrow(/other content/)
    }),
  )
})

test('a migration that was slipped in before an applied one is refused', () => {
  const all = ['0001_a.sql', '0002_b.sql'].map((name) => ({ name, checksum: name }))
  expect(() => pendingOf(all, new Map([['0002_b.sql', '0002_b.sql']]))).toThrow(/must come last/)
})
