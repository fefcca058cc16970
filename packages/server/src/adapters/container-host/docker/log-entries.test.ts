import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLogEntries } from './log-entries.ts'

const frameOf = (time: string, text: string) => Buffer.from(`${time} ${text}`)
const timeOf = (nanoseconds: number) =>
  `2026-01-02T03:04:05.${String(nanoseconds).padStart(9, '0')}Z`

it('joins what was written in the same millisecond, with its time', () => {
  const entries = createLogEntries(null)
  entries.begin()
  const parts = entries.take([
    frameOf(timeOf(1_000_001), 'a b\n'),
    frameOf(timeOf(1_999_999), ' c\n'),
    frameOf(timeOf(2_000_000), 'd'),
  ])
  expect(parts.map(({ chunk, at }) => [chunk.toString(), at.toISOString()])).toEqual([
    ['a b\n c\n', '2026-01-02T03:04:05.001Z'],
    ['d', '2026-01-02T03:04:05.002Z'],
  ])
})

it('asks from where it is told, and from the last entry on', () => {
  expect(createLogEntries(null).since).toBeNull()
  const entries = createLogEntries(new Date('2026-01-02T03:04:05.250Z'))
  expect(entries.since).toBe(`${Date.parse('2026-01-02T03:04:05Z') / 1000}.250000000`)
  entries.begin()
  entries.take([frameOf(timeOf(300_000_007), 'x')])
  expect(entries.since).toBe(`${Date.parse('2026-01-02T03:04:05Z') / 1000}.300000007`)
})

it('hands on every entry once, whenever the reading breaks off', () => {
  const gaps = fc.array(fc.constantFrom(0, 0, 1, 900_000), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(gaps, fc.array(fc.nat(30), { maxLength: 8 }), (steps, breaks) => {
      let now = 0
      const log = steps.map((gap, index) => ({ time: timeOf((now += gap)), text: `${index};` }))
      const entries = createLogEntries(null)
      let seen = ''
      let from = ''
      for (const taken of [...breaks, log.length]) {
        entries.begin()
        const kept = log.filter(({ time }) => time >= from).slice(0, taken)
        for (const { time, text } of kept) {
          seen += entries
            .take([frameOf(time, text)])
            .map(({ chunk }) => chunk.toString())
            .join('')
          from = time
        }
      }
      expect(seen).toBe(log.map(({ text }) => text).join(''))
    }),
  )
})

it('leaves out what an engine says again', () => {
  const times = fc.array(fc.constantFrom(0, 1, 900_000), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(times, fc.nat(29), fc.nat(29), (gaps, at, back) => {
      let now = 1
      const log = gaps.map((gap, index) => frameOf(timeOf((now += gap)), `${index};`))
      const until = Math.min(at + 1, log.length)
      // Back to the first entry of some time: files begin with one.
      let from = Math.min(back, until - 1)
      while (from > 0 && gaps[from] === 0) from--
      const entries = createLogEntries(null)
      entries.begin()
      const said = [...log.slice(0, until), ...log.slice(from)]
      const isBack = gaps.slice(from + 1, until).some((gap) => gap > 0)
      fc.pre(isBack)
      const seen = said.flatMap((frame) => entries.take([frame])).map(({ chunk }) => String(chunk))
      expect(seen).toEqual(gaps.map((_, index) => `${index};`))
    }),
  )
})

it('begins within the millisecond that it is told', () => {
  const entries = createLogEntries(new Date('2026-01-02T03:04:05.250Z'))
  entries.begin()
  const parts = entries.take([frameOf(timeOf(250_000_000), 'a'), frameOf(timeOf(250_000_009), 'b')])
  expect(parts.map(({ chunk }) => chunk.toString())).toEqual(['ab'])
})

it('ends a long line where the engine forgot to', () => {
  const part = 'x'.repeat(16_384)
  const read = (...texts: string[]) => {
    const entries = createLogEntries(null)
    entries.begin()
    return entries
      .take(texts.map((text) => frameOf(timeOf(1), text)))
      .map(({ chunk }) => chunk.toString())
      .join('')
  }
  expect(read(part, part, 'end', 'next\n')).toBe(`${part}${part}end\nnext\n`)
  expect(read(part, 'end\n', 'next\n')).toBe(`${part}end\nnext\n`)
  expect(read('no end')).toBe('no end')
})
