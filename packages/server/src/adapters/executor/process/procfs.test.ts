import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { descendantsOf, parseStat, type ProcessStat } from './procfs.ts'

const numbers = (session: number, startTime: number): string =>
  [7, session, ...Array.from({ length: 15 }, () => 0), startTime, 1, 2].join(' ')

describe('parseStat', () => {
  it('reads a line whatever the name of the process', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.nat(), (name, session, startTime) => {
        const line = `42 (${name}) S 1 ${numbers(session, startTime)}\n`
        expect(parseStat(line)).toEqual({ pid: 42, state: 'S', parent: 1, session, startTime })
      }),
    )
  })

  it.each(['', '42', '42 (x', '42 (x) S', '42 (x) S a b c'])('refuses %j', (line) => {
    expect(parseStat(line)).toBeNull()
  })
})

describe('descendantsOf', () => {
  const stat = (pid: number, parent: number): ProcessStat => ({
    pid,
    parent,
    state: 'S',
    session: 1,
    startTime: 0,
  })

  it('finds children of children, and nobody else', () => {
    const all = [stat(2, 1), stat(3, 2), stat(4, 3), stat(5, 1), stat(6, 5)]
    expect(descendantsOf(2, all).map(({ pid }) => pid)).toEqual([3, 4])
  })

  it('ends on whatever a racy reading shows', () => {
    const processes = fc.array(fc.tuple(fc.nat(9), fc.nat(9)).map(([a, b]) => stat(a, b)))
    fc.assert(
      fc.property(processes, fc.nat(9), (all, root) => {
        const found = descendantsOf(root, all).map(({ pid }) => pid)
        expect(new Set(found).size).toBe(found.length)
        expect(found).not.toContain(root)
      }),
    )
  })
})
