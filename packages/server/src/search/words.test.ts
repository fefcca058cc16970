import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainText, tsvectorOf, wordsOf } from './words.ts'

const texts = (text: string) => [...wordsOf(text)].map(({ text: word }) => word)

describe('wordsOf', () => {
  it('takes runs of letters, digits and _, in lower case', () => {
    expect(texts('Acme/shop src/main.ts:12 snake_case ÄPFEL 12e5ab')).toEqual([
      'acme',
      'shop',
      'src',
      'main',
      'ts',
      '12',
      'snake_case',
      'äpfel',
      '12e5ab',
    ])
  })

  it('says where each one is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const { text: word, from, to } of wordsOf(text)) {
          expect(text.slice(from, to).toLowerCase().startsWith(word.slice(0, 1))).toBe(true)
          expect(word).not.toMatch(/['\\\s]/)
        }
      }),
    )
  })
})

describe('tsvectorOf', () => {
  it('gives each word its positions', () => {
    expect(tsvectorOf('to be or not to be')).toBe("'to':1,5 'be':2,6 'or':3 'not':4")
    expect(tsvectorOf(' \t--- ')).toBe('')
  })

  it('has no position beyond the last that PostgreSQL keeps', () => {
    const long = tsvectorOf(Array.from({ length: 20_000 }, (_, n) => `w${n}`).join(' '))
    expect(long).toContain("'w19999':16383")
    expect(long).not.toContain(':16384')
  })
})

describe('plainText', () => {
  it('leaves colours and links out', () => {
    expect(plainText('\u001b[1;31mred\u001b[0m \u001b]8;;http://x\u0007link\u001b]8;;\u0007')).toBe(
      'red link',
    )
  })
})
