import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchGlobs } from './match-globs.js'

const matches = (globs: string | string[], path: string) => matchGlobs([globs].flat())(path)

describe('matchGlobs', () => {
  it.each([
    ['*.html', 'index.html', true],
    ['*.html', 'deep/down/index.html', true],
    ['*.html', 'index.htmlx', false],
    ['/*.html', 'index.html', true],
    ['/*.html', 'deep/index.html', false],
    ['./src/*.ts', 'src/a.ts', true],
    ['src/*.ts', 'src/deep/a.ts', false],
    ['src/**/*.ts', 'src/a.ts', true],
    ['src/**/*.ts', 'src/x/y/a.ts', true],
    ['src/**', 'src/a', true],
    ['src/**', 'src', false],
    ['**/a', 'a', true],
    ['**/a', 'x/y/a', true],
    ['a**b', 'axb', true],
    ['a**b/c', 'ax/yb/c', false],
    ['file.?s', 'file.ts', true],
    ['?', '/', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['a/[!x]b', 'a//b', false],
    ['[]]', ']', true],
    ['*.{html,md}', 'a/b.md', true],
    ['{a,b{c,d}}.x', 'bd.x', true],
    ['a,b', 'a,b', true],
    ['a}b', 'a}b', true],
    [String.raw`\*.x`, '*.x', true],
    [String.raw`\*.x`, 'a.x', false],
    ['a.b', 'aXb', false],
    ['(a|b)+', 'a', false],
    ['.env', '.env', true],
    ['*', '.hidden', true],
    ['*.html', 'a\nb.html', true],
    ['**/*', 'a/\nb', true],
  ])('%s and %j: %s', (glob, path, expected) => {
    expect(matches(glob, path)).toBe(expected)
  })

  it('excludes with a ! in front', () => {
    expect(matches(['*.ts', '!*.test.ts'], 'a.ts')).toBe(true)
    expect(matches(['*.ts', '!*.test.ts'], 'a.test.ts')).toBe(false)
    expect(matches(['!vendor/**'], 'src/a')).toBe(true)
    expect(matches(['!vendor/**'], 'vendor/a')).toBe(false)
  })

  it.each(['', '/', 'a/', '[', '[!]', '{a', 'a\\', '[z-a]'])('refuses %j', (glob) => {
    expect(() => matchGlobs([glob])).toThrow(SyntaxError)
  })

  it('takes a quoted path for itself, whatever is in it', () => {
    const part = fc.string({ minLength: 1, maxLength: 10 }).map((text) => text.replaceAll('/', '_'))
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const path = parts.join('/')
        const glob = `/${path.replaceAll(/[\\*?[\]{},!^-]/g, String.raw`\$&`)}`
        expect(matches(glob, path)).toBe(true)
        expect(matches(glob, `${path}x`)).toBe(false)
      }),
    )
  })

  it('is quick with what would explode elsewhere', () => {
    const glob = `/${'*a'.repeat(50)}b`
    expect(matches(glob, 'a'.repeat(5_000))).toBe(false)
  })
})
