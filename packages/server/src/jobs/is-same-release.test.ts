import { describe, expect, it } from 'vitest'
import { isSameRelease, releaseOf } from './is-same-release.ts'

describe('isSameRelease', () => {
  it.each([
    ['1.2.3', '1.2.3', true],
    ['1.2.3', '1.2.9', true],
    ['1.2.3', '1.2.4-rc.1', true],
    ['1.2.3', '1.3.3', false],
    ['1.2.3', '2.2.3', false],
    ['1.2', '1.20', false],
    ['1.2.3', 'nonsense', false],
  ])('of %s and %s is %s', (one, other, same) => {
    expect(isSameRelease(one, other)).toBe(same)
    expect(isSameRelease(other, one)).toBe(same)
  })

  it('goes by major and minor version', () => {
    expect(releaseOf('10.20.30-beta.1')).toBe('10.20')
  })
})
