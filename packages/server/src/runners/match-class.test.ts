import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAllowed, matchClass } from './match-class.ts'

const repository = 'acme/shop'
const of = (name: string, labels: string[], repositories: string[] | null = null) => ({
  name,
  labels,
  repositories,
})
const chosen = (classes: ReturnType<typeof of>[], labels: string[]) => {
  const match = matchClass(classes, { repository, labels })
  return match.class === null ? match.reason : match.class.name
}

describe('matchClass', () => {
  it('takes the most specific class that has every label, and of equals the first', () => {
    const classes = [
      of('large', ['linux', 'x64', 'large']),
      of('small', ['linux', 'x64']),
      of('also-small', ['x64', 'linux']),
    ]
    expect(chosen(classes, ['self-hosted', 'linux'])).toBe('small')
    expect(chosen(classes, ['self-hosted', 'linux', 'large'])).toBe('large')
    expect(chosen(classes, [])).toBe('small')
    expect(chosen(classes, ['Self-Hosted', 'LINUX', 'X64'])).toBe('small')
  })

  it('says why none does', () => {
    expect(chosen([], ['linux'])).toBe('No runner class is configured')
    const classes = [of('a', ['linux', 'x64']), of('b', ['linux', 'arm64', 'gpu'])]
    expect(chosen(classes, ['linux', 'windows', 'cobol'])).toBe(
      'No runner class has the labels windows, cobol',
    )
    expect(chosen(classes, ['x64', 'gpu'])).toBe('No runner class has all of the labels x64, gpu')
    expect(chosen([of('a', ['linux'], ['other/*'])], ['linux'])).toBe(
      'The runner classes with these labels (a) are not for acme/shop',
    )
  })

  it('chooses only what fits, whenever anything does, and nothing more specific is left', () => {
    const label = fc.constantFrom('linux', 'x64', 'arm64', 'gpu', 'large', 'self-hosted')
    const labels = fc.uniqueArray(label, { maxLength: 5 })
    const repositories = fc.option(
      fc.uniqueArray(fc.constantFrom('acme/shop', 'acme/*', 'other/*', 'ACME/Shop')),
    )
    const classes = fc.array(fc.record({ name: fc.string(), labels, repositories }))
    fc.assert(
      fc.property(classes, labels, (all, wanted) => {
        const has = (given: readonly string[]) =>
          wanted.every((one) => one === 'self-hosted' || given.includes(one))
        const fitting = all.filter(
          (one) => has(one.labels) && isAllowed(one.repositories, repository),
        )
        const match = matchClass(all, { repository, labels: wanted })
        if (match.class === null) {
          expect(fitting).toEqual([])
          expect(match.reason).not.toBe('')
          return
        }
        const beyond = (given: readonly string[]) =>
          given.filter((one) => one !== 'self-hosted' && !wanted.some((label) => label === one))
            .length
        const least = Math.min(...fitting.map((one) => beyond(one.labels)))
        expect(match.class).toBe(fitting.find((one) => beyond(one.labels) === least))
      }),
    )
  })
})

describe('isAllowed', () => {
  it.each([
    [null, true],
    [[], false],
    [['acme/shop'], true],
    [['Acme/Shop'], true],
    [['acme/*'], true],
    [['acm/*'], false],
    [['acme/sho'], false],
    [['other/*', 'acme/shop'], true],
  ])('%j', (patterns, expected) => {
    expect(isAllowed(patterns, repository)).toBe(expected)
  })
})
