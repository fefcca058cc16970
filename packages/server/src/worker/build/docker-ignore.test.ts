import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDockerIgnore } from './docker-ignore.ts'

describe('parseDockerIgnore', () => {
  // The examples of Docker's documentation, and what its words say besides.
  it.each([
    ['*/temp*', 'somedir/temporary.txt', true],
    ['*/temp*', 'somedir/temp', true],
    ['*/temp*', 'temp', false],
    ['*/temp*', 'somedir/other/temp', false],
    ['*/*/temp*', 'somedir/subdir/temporary.txt', true],
    ['temp?', 'tempa', true],
    ['temp?', 'temp', false],
    ['temp?', 'a/tempa', false],
    ['**/*.go', 'a.go', true],
    ['**/*.go', 'a/b/c.go', true],
    ['**/*.go', 'a/b/c.gone', false],
    ['node_modules', 'node_modules/a/b.js', true],
    ['node_modules', 'a/node_modules/b.js', false],
    ['**/node_modules', 'a/b/node_modules/c/d.js', true],
    ['/foo/bar/', 'foo/bar', true],
    ['foo/./bar/../baz', 'foo/baz/x', true],
    ['foo/**', 'foo/a/b', true],
    ['foo/**', 'foo', false],
    ['foo**', 'foobar/baz', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'a/xb', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['[', '[', true],
    ['# comment', '# comment', false],
    ['.', 'a', false],
    ['', 'a', false],
    ['*', '.hidden', true],
    ['\uFEFFsecret', 'secret', true],
  ])('%j on %s: %s', (text, path, expected) => {
    expect(parseDockerIgnore(`\n${text}\r\n`.replace('\n\uFEFF', '\uFEFF'))(path)).toBe(expected)
  })

  it('lets the last pattern that matches decide', () => {
    const isIgnored = parseDockerIgnore('*.md\n!README*.md\nREADME-secret.md')
    expect(['a.md', 'README.md', 'README-x.md', 'README-secret.md', 'a'].map(isIgnored)).toEqual([
      true,
      false,
      false,
      true,
      false,
    ])
    const within = parseDockerIgnore('docs\n!docs/keep.md')
    expect(['docs/a', 'docs/keep.md'].map(within)).toEqual([true, false])
  })

  it('finds every path that is named as it is, and what is below it', () => {
    const part = fc.stringMatching(/^[a-z0-9_]{1,8}$/)
    const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'))
    fc.assert(
      fc.property(path, part, (name, below) => {
        const isIgnored = parseDockerIgnore(name)
        expect([name, `${name}/${below}`, `${name}${below}`].map(isIgnored)).toEqual([
          true,
          true,
          false,
        ])
      }),
    )
  })

  it('takes no longer for a pattern that would make others explode', () => {
    const isIgnored = parseDockerIgnore(`${'**/a*'.repeat(200)}b`)
    expect(isIgnored(`${'a'.repeat(2_000)}/c`)).toBe(false)
  })

  it('ends for whatever it is given', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab*?[]!^-\\/.\n#'.split('')) })
    fc.assert(fc.property(text, text, (pattern, path) => void parseDockerIgnore(pattern)(path)))
  })
})
