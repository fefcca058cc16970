import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDockerIgnore } from './docker-ignore.ts'
import { createGiveWay } from './give-way.ts'

const running = () => new AbortController().signal
const parse = (text: string) => parseDockerIgnore(text, createGiveWay(running()))
/** Which of these paths the patterns leave out. */
const judge = (text: string, paths: string[]) => Promise.all(paths.map(parse(text)))

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
  ])('%j on %s: %s', async (text, path, expected) => {
    expect(await parse(`\n${text}\r\n`.replace('\n\uFEFF', '\uFEFF'))(path)).toBe(expected)
  })

  it('lets the last pattern that matches decide', async () => {
    const paths = ['a.md', 'README.md', 'README-x.md', 'README-secret.md', 'a']
    expect(await judge('*.md\n!README*.md\nREADME-secret.md', paths)).toEqual([
      true,
      false,
      false,
      true,
      false,
    ])
    expect(await judge('docs\n!docs/keep.md', ['docs/a', 'docs/keep.md'])).toEqual([true, false])
  })

  it('finds every path that is named as it is, and what is below it', async () => {
    const part = fc.stringMatching(/^[a-z0-9_]{1,8}$/)
    const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'))
    await fc.assert(
      fc.asyncProperty(path, part, async (name, below) => {
        const paths = [name, `${name}/${below}`, `${name}${below}`]
        expect(await judge(name, paths)).toEqual([true, true, false])
      }),
    )
  })

  it('takes no longer for a pattern that would make others explode', async () => {
    const isIgnored = parse(`${'**/a*'.repeat(200)}b`)
    expect(await isIgnored(`${'a'.repeat(2_000)}/c`)).toBe(false)
  })

  it('holds nobody up with all that may be asked of it, and stops when it is told to', async () => {
    const stop = new AbortController()
    const text = `${'**?'.repeat(50)}b\n`.repeat(5_000)
    const asked = parseDockerIgnore(text, createGiveWay(stop.signal))('a'.repeat(4_000))
    setImmediate(() => stop.abort(new Error('stopped')))
    await expect(asked).rejects.toThrow('stopped')
  })

  it('refuses what it could not ask all of', () => {
    expect(() => parse('a\n'.repeat(10_001))).toThrow('more than 10000 patterns')
    expect(() => parse('?'.repeat(1_001))).toThrow('more than 1000 characters')
  })

  it('ends for whatever it is given', async () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab*?[]!^-\\/.\n#'.split('')) })
    await fc.assert(
      fc.asyncProperty(text, text, async (pattern, path) => void (await parse(pattern)(path))),
    )
  })
})
