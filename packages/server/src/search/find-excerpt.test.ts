import { describe, expect, it } from 'vitest'
import { findExcerpt, findLine } from './find-excerpt.ts'

const prefix = (text: string) => ({ text, prefix: true })

describe('findExcerpt', () => {
  it('marks what was found', () => {
    const { excerpt, highlights } = findExcerpt('Error: connection refused', [
      prefix('connect'),
      { text: 'refused', prefix: false },
    ])
    expect(highlights.map(([from, to]) => excerpt.slice(from, to))).toEqual(['connect', 'refused'])
  })

  it('shows the part of a long text that has it', () => {
    const { excerpt, highlights } = findExcerpt(`${'x '.repeat(500)}needle ${'y '.repeat(500)}`, [
      prefix('needle'),
    ])
    expect(excerpt.length).toBe(300)
    expect(highlights.map(([from, to]) => excerpt.slice(from, to))).toEqual(['needle'])
  })
})

describe('findLine', () => {
  it('takes the first line with the most different words', () => {
    const wanted = [prefix('one'), prefix('two')]
    expect(findLine(['nothing', 'one one one', 'two one', 'one two'], wanted)).toBe(2)
    expect(findLine([], wanted)).toBe(0)
  })
})
