import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQuery } from './parse-query.ts'

describe('parseQuery', () => {
  it.each([
    ['timeout', "'timeout':*"],
    ['Connection refused', "'connection':* & 'refused':*"],
    ['"connection refused"', "('connection' <-> 'refused')"],
    ['src/main.ts', "('src' <-> 'main' <-> 'ts':*)"],
    ['error -test', "'error':* & !'test':*"],
    ['a OR b c', "('a':* | 'b':*) & 'c':*"],
    ['a OR b OR c', "('a':* | 'b':* | 'c':*)"],
    ['OR a', "'or':* & 'a':*"],
    ['"unclosed phrase', "('unclosed' <-> 'phrase')"],
    ["it's; drop", "('it' <-> 's':*) & 'drop':*"],
  ])('%s', (query, tsquery) => {
    expect(parseQuery(query).tsquery).toBe(tsquery)
  })

  it.each(['', '   ', '---', '-nothing', '""', 'OR'.repeat(0), '!?'])('refuses %j', (query) => {
    expect(() => parseQuery(query)).toThrow('at least one word')
  })

  it('refuses more words than anybody looks for', () => {
    expect(() => parseQuery('a '.repeat(33))).toThrow('at most 32 words')
  })

  it('makes nothing of a text that could end a lexeme early', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (query) => {
        let parsed
        try {
          parsed = parseQuery(query)
        } catch {
          return
        }
        const rest = parsed.tsquery.replaceAll(/'[^'\\]*'/g, '')
        expect(rest).toMatch(/^[\s()&|!<>:*-]*$/)
      }),
    )
  })
})
