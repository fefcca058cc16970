import { describe, expect, it } from 'vitest'
import { matchRepositories } from './match-repositories.ts'

describe('matchRepositories', () => {
  it.each([
    [['*'], 'acme/shop', true],
    [['acme/*'], 'acme/shop', true],
    [['acme/*'], 'acme-evil/shop', false],
    [['acme/*'], 'x/acme/shop', false],
    [['acme/shop'], 'ACME/Shop', true],
    [['acme/shop'], 'acme/shop2', false],
    [['acme/shop.js'], 'acme/shopxjs', false],
    [['*/shop'], 'acme/shop', true],
    [['acme/s*p'], 'acme/shop', true],
    [['other/x', 'acme/*'], 'acme/shop', true],
    [[], 'acme/shop', false],
  ])('%j, %s: %s', (patterns, repository, matches) => {
    expect(matchRepositories(patterns)(repository)).toBe(matches)
  })
})
