import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitWords } from './split-words.ts'

describe('splitWords', () => {
  it.each([
    ['', []],
    ['  a  b\tc\n', ['a', 'b', 'c']],
    [`--health-cmd "redis-cli ping" -u 1`, ['--health-cmd', 'redis-cli ping', '-u', '1']],
    [`a='b c'd`, ['a=b cd']],
    [`"" ''`, ['', '']],
    [`a\\ b "c\\"d" 'e\\f' "g\\h"`, ['a b', 'c"d', 'e\\f', 'g\\h']],
    ['$(reboot) `x` $HOME ; & |', ['$(reboot)', '`x`', '$HOME', ';', '&', '|']],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words)
  })

  it.each([`"a`, `'a`, `a\\`, `"a\\`])('does not guess where %j ends', (text) => {
    expect(splitWords(text)).toBeNull()
  })

  it('finds whatever was quoted', () => {
    const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
        expect(splitWords(words.map(quote).join(' '))).toEqual(words)
      }),
    )
  })
})
