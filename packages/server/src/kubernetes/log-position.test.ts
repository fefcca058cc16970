import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLogPosition, type LogPart } from './log-position.ts'

/** Lines with times that often are the same; what follows the last line break is a line as well. */
const log = fc
  .array(
    fc.record({
      step: fc.constantFrom(0, 0, 1, 400_000_000, 1_000_000_001),
      text: fc.stringMatching(/^[a-c ]{0,40}$/),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((entries) => {
    let at = BigInt(Date.parse('2026-01-02T03:04:05.000Z')) * 1_000_000n
    return entries.map(({ step, text }, index) => {
      at += BigInt(step)
      const end = index === entries.length - 1 && text.length > 0 ? '' : '\n'
      return { at, text: text + end }
    })
  })

const stampOf = (at: bigint): string => {
  const second = new Date(Number(at / 1_000_000_000n) * 1_000).toISOString().slice(0, 19)
  return `${second}.${String(at % 1_000_000_000n).padStart(9, '0')}Z`
}

const textOf = (parts: readonly LogPart[]) => parts.map(({ chunk }) => chunk.toString()).join('')

describe('createLogPosition', () => {
  it('hands out every byte once, wherever a connection breaks and chunks end', () => {
    const parts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 60 })
    const breaks = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 5 })
    fc.assert(
      fc.property(log, parts, breaks, (entries, sizes, rests) => {
        const position = createLogPosition()
        let out = ''
        for (const rest of [...rests, Infinity]) {
          position.rewind()
          const since = position.since()
          const from = since === null ? 0n : BigInt(Date.parse(since)) * 1_000_000n
          let text = Buffer.from(
            entries
              .filter(({ at }) => at >= from)
              .map(({ at, text: line }) => `${stampOf(at)} ${line}`)
              .join(''),
          )
          for (let read = 0; text.length > 0 && read < rest; read++) {
            const size = sizes[read % sizes.length] ?? 1
            out += textOf(position.take(text.subarray(0, size)))
            text = text.subarray(size)
          }
        }
        expect(out).toBe(entries.map(({ text }) => text).join(''))
        expect(position.hasGap()).toBe(false)
      }),
    )
  })

  it('says that lines are missing where the one it knew is gone', () => {
    const position = createLogPosition()
    const take = (text: string) => textOf(position.take(Buffer.from(text)))
    expect(take('2026-01-02T03:04:05.000000001Z one\n')).toBe('one\n')
    position.rewind()
    expect(take('2026-01-02T03:04:07.000000000Z three\n')).toBe('three\n')
    expect(position.hasGap()).toBe(true)
  })

  it('says when each line was written, those of one millisecond together', () => {
    const second = '2026-01-02T03:04:05'
    const text = `${second}.000000001Z a\n${second}.000999999Z b\n${second}.001000000Z c\n`
    const parts = createLogPosition().take(Buffer.from(text))
    expect(parts.map(({ chunk, time }) => [time.slice(20, 23), chunk.toString()])).toEqual([
      ['000', 'a\nb\n'],
      ['001', 'c\n'],
    ])
  })

  it('leaves out what has no time: the rest of an older line, and words of the kubelet', () => {
    const position = createLogPosition()
    const take = (text: string) => textOf(position.take(Buffer.from(text)))
    expect(take('est of it\nfailed to watch a file\n2026-01-02T03:04:05.000000001Z own\n')).toBe(
      'own\n',
    )
    expect(take('\n2026-01-02T05:04:05.000000001+02:00 \n2026-01-02T03:04:06.000000001Z  x')).toBe(
      '\n x',
    )
    expect(position.since()).toBe('2026-01-02T03:04:06.000Z')
  })
})
