import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors.ts'
import { automaticAlias, requireCustomAlias } from './release-alias.ts'

const release = { project: 'api', number: 42 }

describe('automaticAlias', () => {
  it.each([
    ['main', 'monorepo', { alias: 'main-42', type: 'branch' }],
    ['release/1.x', 'monorepo', { alias: 'release-1.x-42', type: 'branch' }],
    ['refs/tags/api/v1.2.3', 'monorepo', { alias: 'v1.2.3', type: 'tag' }],
    ['refs/tags/v1.2.3', 'tag-all', { alias: 'v1.2.3', type: 'tag' }],
    ['refs/tags/web/v1.2.3', 'monorepo', null],
    ['refs/tags/v1.2.3', 'monorepo', null],
  ] as const)('of %s under %s is %o', (ref, strategy, expected) => {
    expect(automaticAlias(ref, release, { strategy })).toEqual(expected)
  })

  it('never reads like a number or a commit, whatever the branch', () => {
    const branch = fc.oneof(
      fc.stringMatching(/^[0-9a-f]{1,40}$/),
      fc.stringMatching(/^[a-z0-9._/-]{1,60}$/).filter((name) => !name.startsWith('refs/')),
    )
    fc.assert(
      fc.property(branch, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (ref, number) => {
        const made = automaticAlias(ref, { project: 'api', number }, { strategy: 'monorepo' })
        expect(made?.alias).not.toMatch(/^\d+$|^[0-9a-f]{40}$|\//)
        expect(made?.alias.endsWith(`-${number}`)).toBe(true)
      }),
    )
  })
})

describe('requireCustomAlias', () => {
  it.each(['1', '0042', 'a'.repeat(40), '0123456789abcdefABCDEF0123456789abcdef01'])(
    'refuses %s',
    (alias) => {
      expect(() => requireCustomAlias(alias)).toThrow(AppError)
    },
  )

  it.each(['stable', 'v2', '1.0', 'deadbeef', 'a'.repeat(39)])('takes %s', (alias) => {
    expect(() => requireCustomAlias(alias)).not.toThrow()
  })
})
