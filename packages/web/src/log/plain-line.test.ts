import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { plainLine, visibleLine } from './plain-line.ts'

describe('a line of a log', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['10%\r50%\r100%', '100%'],
    ['done\r', 'done'],
    ['\u001b[2K\u001b[1Gbar', 'bar'],
    ['\u001b]8;;https://example.com\u0007link\u001b]8;;\u0007', 'link'],
    ['\u001b[?25lhidden cursor', 'hidden cursor'],
    ['bell\u0007', 'bell'],
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
  ])('shows %j as %j', (line, shown) => {
    expect(plainLine(line)).toBe(shown)
  })

  it('keeps colours for whoever draws it', () => {
    expect(visibleLine('\u001b[1A\u001b[32mok\u001b[0m')).toBe('\u001b[32mok\u001b[0m')
  })

  it('leaves no control character of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // eslint-disable-next-line no-control-regex
        expect(plainLine(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]/)
      }),
    )
  })
})
