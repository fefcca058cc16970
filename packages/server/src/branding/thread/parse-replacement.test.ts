import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseReplacement } from './parse-replacement.js'

const parse = (text: string, isRegex = true, variables = {}) =>
  parseReplacement(text, { isRegex, variables })

describe('parseReplacement', () => {
  it('reads groups, dollar signs and variables', () => {
    expect(parse('a$1b${name}$$c$0', true).pieces).toEqual([
      'a',
      { group: '1' },
      'b',
      { group: 'name' },
      '$c',
      { group: '0' },
    ])
    expect(parse('$01 $x ${ $', true).pieces).toEqual([{ group: '1' }, ' $x ${ $'])
    expect(parse('{{a}}-{{ b_c }}', true, { a: '1', b_c: '2' }).pieces).toEqual(['1-2'])
  })

  it('takes values as they are', () => {
    expect(parse('{{a}}', true, { a: '$1 {{a}} $$' }).pieces).toEqual(['$1 {{a}} $$'])
  })

  it('leaves variables without a value, and names them', () => {
    expect(parse('{{x}} {{constructor}} {{x}} {{ 1 }}', true)).toEqual({
      pieces: ['{{x}} {{constructor}} {{x}} {{ 1 }}'],
      unknown: ['x', 'constructor'],
    })
  })

  it('leaves a text without variables as it is, unless it is for a pattern', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('{{')),
        (text) => {
          expect(parse(text, false)).toEqual({ pieces: text === '' ? [] : [text], unknown: [] })
        },
      ),
    )
  })
})
