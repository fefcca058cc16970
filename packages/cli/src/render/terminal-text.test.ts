import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { terminalLine, terminalWord } from './terminal-text.ts'

const ESC = '\u001b'

describe('terminalLine', () => {
  it('keeps colours and ends them with the line', () => {
    expect(terminalLine(`${ESC}[1;31mred`, true)).toBe(`${ESC}[1;31mred${ESC}[0m`)
    expect(terminalLine(`${ESC}[38;2;1;2;3mx`, true)).toBe(`${ESC}[38;2;1;2;3mx${ESC}[0m`)
  })

  it('drops colours where there are none', () => {
    expect(terminalLine(`${ESC}[31mred${ESC}[0m`, false)).toBe('red')
  })

  it.each([
    ['clearing the screen', `a${ESC}[2Jb`],
    ['moving the cursor', `a${ESC}[10;10Hb`],
    ['private modes', `a${ESC}[?1049hb`],
    ['the window title', `a${ESC}]0;owned\u0007b`],
    ['the clipboard', `a${ESC}]52;c;cm0gLXJm${ESC}\\b`],
    ['links', `a${ESC}]8;;http://x${ESC}\\b`],
    ['device control', `a${ESC}P$q"p${ESC}\\b`],
    ['asking for an answer', `a${ESC}[6n${ESC}[cb`],
    ['a reset', `a${ESC}cb`],
    ['character sets', `a${ESC}(0b`],
    ['8-bit sequences', 'a\u009b2Jb'],
    ['backspaces and bells', 'a\b\u0007b'],
    ['an escape at the end', `ab${ESC}`],
    ['text turned around', 'a\u202eb'],
  ])('drops %s', (_, line) => {
    expect(terminalLine(line, true)).toBe('ab')
  })

  it('drops a sequence that the line does not end', () => {
    expect(terminalLine(`a${ESC}]0;title`, true)).toBe('a')
  })

  it('does not let a carriage return write over the line', () => {
    expect(terminalLine('honest\rforged', true)).toBe('honest\nforged')
    expect(terminalLine('dos line\r', true)).toBe('dos line')
  })

  it('leaves ordinary text alone', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => terminalWord(value) === value)
    fc.assert(
      fc.property(text, (value) => {
        expect(terminalLine(value, true)).toBe(value)
      }),
    )
    expect(terminalLine('größe\t日本 🚀 [31m', true)).toBe('größe\t日本 🚀 [31m')
  })

  it('lets nothing but colours through, whatever the line is', () => {
    const piece = fc.constantFrom(
      ESC,
      '[',
      ']',
      '\u009b',
      '\u009d',
      '31',
      ';',
      'm',
      'H',
      '\u0007',
      '\\',
      'P',
      '\b',
      '\r',
      'x',
      '?',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const rest = terminalLine(pieces.join(''), true).replaceAll(/\u001b\[[0-9;:]*m/g, '')
        expect(rest).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
      }),
      { numRuns: 5000 },
    )
  })
})

it('terminalWord stays on its line', () => {
  expect(terminalWord(`a\r\nb\t${ESC}[31mc${ESC}[0m`)).toBe('a b c')
})
