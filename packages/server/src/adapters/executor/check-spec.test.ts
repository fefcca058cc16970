import { describe, expect, it } from 'vitest'
import { contains } from './check-spec.ts'

describe('contains', () => {
  it.each([
    ['/a', '/a', true],
    ['/a', '/a/b', true],
    ['/a', '/a/..b', true],
    ['/', '/a', true],
    ['/a', '/ab', false],
    ['/a/b', '/a', false],
    ['/a', '/', false],
    ['/a', '/b', false],
  ])('%s contains %s: %s', (parent, path, expected) => {
    expect(contains(parent, path)).toBe(expected)
  })
})
