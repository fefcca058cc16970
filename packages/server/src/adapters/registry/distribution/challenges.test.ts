import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChallenges } from './challenges.ts'

describe('parseChallenges', () => {
  it('reads what registries send', () => {
    const header =
      'Bearer realm="https://auth.example.test/token",service="registry",scope="repository:a/b:pull,push"'
    expect(parseChallenges(header)).toEqual([
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.example.test/token',
          service: 'registry',
          scope: 'repository:a/b:pull,push',
        },
      },
    ])
    expect(parseChallenges('Basic realm="x, y=\\"z\\""')).toEqual([
      { scheme: 'basic', parameters: { realm: 'x, y="z"' } },
    ])
  })

  it('reads several of them', () => {
    expect(parseChallenges('Negotiate, BASIC Realm=a , Bearer realm="b", error="c"')).toEqual([
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a' } },
      { scheme: 'bearer', parameters: { realm: 'b', error: 'c' } },
    ])
  })

  it('ends for whatever it is given, and finds what was written', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
    fc.assert(fc.property(fc.string(), (text) => void parseChallenges(text)))
    fc.assert(
      fc.property(
        word,
        fc.dictionary(word, fc.string({ unit: 'grapheme-ascii' })),
        (scheme, given) => {
          const parameters = Object.entries(given)
            .map(([name, value]) => `${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`)
            .join(', ')
          const [challenge] = parseChallenges(`${scheme} ${parameters}`)
          expect({ ...challenge?.parameters }).toEqual({ ...given })
        },
      ),
    )
  })
})
