import { describe, expect, it } from 'vitest'
import { localPath } from './local-path.ts'

describe('localPath', () => {
  it.each(['/', '/runs/1?step=2#line-3', '/a//b'])('keeps %j', (path) => {
    expect(localPath(path)).toBe(path)
  })

  it.each([
    undefined,
    7,
    '',
    'runs',
    'https://elsewhere.test/',
    'javascript:alert(1)',
    '//elsewhere.test',
    '/\\elsewhere.test',
    '/\t/elsewhere.test',
    '/.//elsewhere.test',
    '/a/..//elsewhere.test',
    '/%2e//elsewhere.test',
    '/./\\elsewhere.test',
  ])('makes / of %j', (path) => {
    expect(localPath(path)).toBe('/')
  })
})
