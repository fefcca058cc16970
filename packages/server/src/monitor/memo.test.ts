import { describe, expect, it } from 'vitest'
import { createMemo } from './memo.ts'

describe('createMemo', () => {
  it('finds a value under its version only', () => {
    const memo = createMemo(10)
    memo.keep('a', 1, 'first')
    expect(memo.recall('a', 1, 0)).toBe('first')
    expect(memo.recall('a', 2, 0)).toBeUndefined()
    memo.keep('a', 2, 'second')
    expect(memo.recall('a', 1, 0)).toBeUndefined()
    expect(memo.recall('a', 2, 0)).toBe('second')
  })

  it('finds none whose time has passed', () => {
    const memo = createMemo(10)
    memo.keep('a', 1, 'value', 100)
    expect(memo.recall('a', 1, 99)).toBe('value')
    expect(memo.recall('a', 1, 100)).toBeUndefined()
  })

  it('holds no more than it may, and forgets what was not asked for longest', () => {
    const memo = createMemo(2)
    memo.keep('a', 1, 'a')
    memo.keep('b', 1, 'b')
    memo.recall('a', 1, 0)
    memo.keep('c', 1, 'c')
    expect(['a', 'b', 'c'].map((key) => memo.recall(key, 1, 0))).toEqual(['a', undefined, 'c'])
  })
})
