import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineSplitter } from './split-lines.ts'
import { createLineStamper } from './stamp-lines.ts'

const at = Date.parse('2024-01-08T10:01:00.007Z')
const stamp = '[2024-01-08T10:01:00.007Z] '
const text = (pieces: readonly Buffer[]) => Buffer.concat(pieces).toString('latin1')

describe('createLineStamper', () => {
  it('puts the time before every line, wherever the pieces were cut', () => {
    const lines = fc.array(
      fc
        .uint8Array({ maxLength: 40 })
        .map((bytes) => Buffer.from(bytes.map((b) => (b === 10 ? 0 : b)))),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(lines, fc.array(fc.nat(60), { maxLength: 10 }), (content, cuts) => {
        const whole = Buffer.concat(content.map((line) => Buffer.concat([line, Buffer.from('\n')])))
        const pieces: Buffer[] = []
        let from = 0
        for (const cut of [...cuts, whole.length]) {
          const to = Math.min(whole.length, from + cut)
          pieces.push(whole.subarray(from, to))
          from = to
        }
        const stamped = createLineStamper(() => at)(pieces)
        expect(text(stamped)).toBe(
          content.map((line) => `${stamp}${line.toString('latin1')}\n`).join(''),
        )
      }),
    )
  })

  it('leaves no line out that the splitter broke in two', () => {
    const splitter = createLineSplitter()
    const stamped = createLineStamper(() => at)
    const broken = text(stamped(splitter.push([Buffer.from(`${'x'.repeat(70_000)}\n`)])))
    expect(broken).toBe(`${stamp}${'x'.repeat(65_536)}\n${stamp}${'x'.repeat(4_464)}\n`)
    expect(stamped([])).toEqual([])
  })

  it('does without brackets where that is the form', () => {
    const stamped = createLineStamper(() => at, 'plain')
    expect(text(stamped([Buffer.from('one\ntwo\n')]))).toBe(
      '2024-01-08T10:01:00.007Z one\n2024-01-08T10:01:00.007Z two\n',
    )
  })

  it('never goes back in time', () => {
    const times = [at, at - 5_000, at + 1]
    const stamped = createLineStamper(() => times.shift() ?? 0)
    const lines = [1, 2, 3].map(() => text(stamped([Buffer.from('\n')])))
    expect(lines).toEqual([`${stamp}\n`, `${stamp}\n`, '[2024-01-08T10:01:00.008Z] \n'])
  })
})
