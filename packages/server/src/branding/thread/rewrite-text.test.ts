import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRules } from './compile-rules.js'
import { isText, RewriteError, rewriteText } from './rewrite-text.js'

type Given = { pattern: string; replacement: string; use_regex?: boolean }

function rewrite(text: string, given: Given | Given[], options: { maxBytes?: number } = {}) {
  const rules = [given].flat().map((rule) => ({ use_regex: false, ...rule }))
  const compiled = compileRules(rules, {}).rules.map((rule, index) => ({ rule, index }))
  const done = rewriteText(Buffer.from(text), compiled, {
    maxBytes: options.maxBytes ?? 1_000_000,
    onLarge: () => undefined,
  })
  return { text: done.bytes.toString(), counts: [...done.counts] }
}

/** Texts with much that repeats; no NUL, no half surrogate pair. */
const unit = fc.constantFrom('a', 'b', 'aa', 'ab', '\n', ' ', 'é', '😀', '$', '1', 'A')
const text = fc.array(unit, { maxLength: 40 }).map((parts) => parts.join(''))
const needle = fc.array(unit, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''))

describe('a rule of text', () => {
  it('replaces as splitting and joining does', () => {
    fc.assert(
      fc.property(text, needle, text, (before, pattern, replacement) => {
        const parts = before.split(pattern)
        const done = rewrite(before, { pattern, replacement })
        expect(done.text).toBe(parts.join(replacement))
        expect(done.counts).toEqual(parts.length > 1 ? [[0, parts.length - 1]] : [])
      }),
      { numRuns: 500 },
    )
  })

  it('gives what is special to patterns no meaning', () => {
    expect(rewrite('a.c $1 abc', { pattern: 'a.c', replacement: '$1$$' }).text).toBe('$1$$ $1 abc')
  })
})

/** Patterns that JavaScript and the engine read alike. */
const atom = fc.constantFrom(
  'a',
  'b',
  'é',
  '😀',
  '[ab]',
  '[^a]',
  '.',
  '(a)',
  '(?:ab)',
  String.raw`\$`,
)
const repeated = fc
  .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '*?', '+?', '{2}', '{1,2}'))
  .map(([what, times]) => what + times)
const pattern = fc
  .array(fc.array(repeated, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 })
  .map((branches) => branches.map((branch) => branch.join('')).join('|'))

describe('a rule of a pattern', () => {
  it('replaces as every other engine does that takes the leftmost, and of it the first', () => {
    fc.assert(
      fc.property(text, pattern, (before, source) => {
        // Behind a match, an empty one is left out here, and taken there.
        fc.pre(!new RegExp(`^(?:${source})$`, 'u').test(''))
        const expression = new RegExp(source, 'gu')
        const count = before.match(expression)?.length ?? 0
        const done = rewrite(before, { pattern: source, replacement: '<$0>', use_regex: true })
        expect(done.text).toBe(before.replaceAll(expression, '<$&>'))
        expect(done.counts).toEqual(count > 0 ? [[0, count]] : [])
      }),
      { numRuns: 400 },
    )
  })

  it('puts groups where the replacement names them', () => {
    const by = (source: string, replacement: string) =>
      rewrite('2024-01-08 and 2025-02-09', { pattern: source, replacement, use_regex: true }).text
    expect(by(String.raw`(\d+)-(\d+)-(\d+)`, '$3.$2.$1')).toBe('08.01.2024 and 09.02.2025')
    expect(by(String.raw`(?P<year>\d{4})-(?<month>\d+)`, '${month}/${year}/$0')).toBe(
      '01/2024/2024-01-08 and 02/2025/2025-02-09',
    )
    expect(by('(x)?and', '[$1]$$')).toBe('2024-01-08 []$ 2025-02-09')
    expect(by('', '-').startsWith('-2-0-2-4')).toBe(true)
    expect(by('(?im)^2.*D', 'x')).toBe('x 2025-02-09')
  })

  it('is done with nested repetitions in no time', () => {
    const long = `${'a'.repeat(100_000)}b`
    for (const source of ['(a+)+$', '(a|aa)+$', '(.*a){12}$', '^(([a-z])+.)+[A-Z]$']) {
      expect(rewrite(long, { pattern: source, replacement: '', use_regex: true }).counts).toEqual(
        [],
      )
    }
  })
})

describe('rules', () => {
  it('are applied in their order, each to what the ones before it left', () => {
    const rules = [
      { pattern: 'a', replacement: 'b' },
      { pattern: 'b+', replacement: 'c', use_regex: true },
      { pattern: 'c', replacement: 'aé' },
      { pattern: '(é)', replacement: '$1$1', use_regex: true },
    ]
    expect(rewrite('aab!', rules)).toEqual({
      text: 'aéé!',
      counts: [
        [0, 2],
        [1, 1],
        [2, 1],
        [3, 1],
      ],
    })
  })

  it('keep what marks the beginning of a text', () => {
    const rule = { pattern: '^', replacement: 'x', use_regex: true }
    expect(rewrite('\ufeffa', [{ pattern: 'a', replacement: 'b' }]).text).toBe('\ufeffb')
    expect(rewrite('\ufeffa', rule).text).toBe('x\ufeffa')
  })

  it('let no text grow without end', () => {
    const grow = (use_regex: boolean) => () =>
      rewrite(
        'aaaaaaaaaa',
        { pattern: 'a', replacement: 'b'.repeat(100), use_regex },
        { maxBytes: 999 },
      )
    expect(grow(false)).toThrow(RewriteError)
    expect(grow(true)).toThrow(RewriteError)
    const groups = { pattern: '(a*)', replacement: '$1'.repeat(20), use_regex: true }
    expect(() => rewrite('a'.repeat(100), groups, { maxBytes: 1_999 })).toThrow(RewriteError)
    expect(rewrite('a'.repeat(100), groups, { maxBytes: 2_001 }).text).toHaveLength(2_000)
  })

  it('copy no more out of a text than it may grow to', () => {
    const mebibyte = 1024 * 1024
    const groups = { pattern: '(?s).+', replacement: '$0'.repeat(20), use_regex: true }
    const before = process.memoryUsage.rss()
    expect(() => rewrite('a'.repeat(24 * mebibyte), groups, { maxBytes: 32 * mebibyte })).toThrow(
      RewriteError,
    )
    // All copies are 480 MiB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(400 * mebibyte)
  })

  it('are refused where values of variables make them too large together', () => {
    const rules = Array.from({ length: 100 }, (_, at) => ({
      pattern: `${at}`,
      replacement: '{{v}}'.repeat(20),
      use_regex: at % 2 === 0,
    }))
    const compile = (length: number) => compileRules(rules, { v: 'x'.repeat(length) })
    expect(compile(1_000).rules).toHaveLength(100)
    expect(() => compile(64 * 1024)).toThrow(RewriteError)
  })
})

describe('isText', () => {
  it.each([
    ['é\n', true],
    ['', true],
    [Buffer.from('caf\xe9', 'latin1'), false],
    [Buffer.from('text', 'utf16le'), false],
    ['a\0b', false],
  ])('%j: %s', (bytes, expected) => {
    expect(isText(Buffer.from(bytes as string))).toBe(expected)
  })
})
