import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLineSkipper } from './skip-lines.ts'

it('leaves out as many lines as it is told, wherever the pieces were cut', () => {
  const line = fc.stringMatching(/^[a-z]{0,6}$/)
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 12 }),
      fc.nat(14),
      fc.array(fc.nat(9), { maxLength: 20 }),
      (lines, count, cuts) => {
        const whole = Buffer.from(lines.map((each) => `${each}\n`).join(''))
        const skip = createLineSkipper(count)
        const out: Buffer[] = []
        let from = 0
        for (const cut of [...cuts, whole.length]) {
          out.push(...skip([whole.subarray(from, from + cut)]))
          from = Math.min(whole.length, from + cut)
        }
        expect(Buffer.concat(out).toString()).toBe(
          lines
            .slice(count)
            .map((each) => `${each}\n`)
            .join(''),
        )
      },
    ),
  )
})
