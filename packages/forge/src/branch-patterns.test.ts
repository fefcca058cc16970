import { expect, test } from 'vitest'
import { compileBranchGlob, compileBranchRegex } from './branch-patterns.ts'

test('a regular expression must match the whole branch name', () => {
  const matches = compileBranchRegex('main|release/.*')
  expect(matches('main')).toBe(true)
  expect(matches('release/1.2')).toBe(true)
  expect(matches('mainline')).toBe(false)
  expect(matches('not/main')).toBe(false)
  expect(compileBranchRegex('^main$')('main')).toBe(true)
})

test('look-around and broken patterns are refused with a reason', () => {
  expect(() => compileBranchRegex('(?=x)y')).toThrow(SyntaxError)
  expect(() => compileBranchRegex('(main')).toThrow(/missing closing \)/)
})

test('a pattern that backtracks for ever elsewhere answers on a long name', () => {
  expect(compileBranchRegex('(a+)+')(`${'a'.repeat(20_000)}b`)).toBe(false)
})

test('a glob star stays within a segment, a double star does not', () => {
  expect(compileBranchGlob('release/*')('release/1.2')).toBe(true)
  expect(compileBranchGlob('release/*')('release/1/2')).toBe(false)
  expect(compileBranchGlob('**')('any/branch/at-all')).toBe(true)
  expect(compileBranchGlob('v1.0')('v1x0')).toBe(false)
})
