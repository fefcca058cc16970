import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readJson } from './read-json.ts'

function problemsOf(text: string) {
  const parsed = readJson(text)
  return parsed.ok ? [] : parsed.problems
}

test('tells the line of every key and item', () => {
  const parsed = readJson('{\n  "a": [\n    1,\n    {"b/c": null}\n  ]\n}\n')
  if (!parsed.ok) throw new Error('must be read')
  expect(parsed.value).toEqual({ a: [1, { 'b/c': null }] })
  expect(['', '/a', '/a/0', '/a/1', '/a/1/b~1c', '/nowhere'].map(parsed.lineOf)).toEqual([
    1,
    2,
    3,
    4,
    4,
    undefined,
  ])
})

test.each([
  ['{\n  "a": 1,\n}', 3, 'expected a key in double quotes, found "}"'],
  ['{"a" 1}', 1, 'expected ":"'],
  ['[1 2]', 1, 'expected "," or "]"'],
  ['\n\n', 3, 'found the end of the file'],
  ['{} x', 1, 'expected the end of the file, found "x"'],
  ['// comment\n{}', 1, 'expected a value, found "/"'],
  ['{"a": "x\ny"}', 1, 'a string is not closed'],
])('%j is refused at line %d', (text, line, message) => {
  const [problem] = problemsOf(text)
  expect(problem).toMatchObject({ path: '', line })
  expect(problem?.message).toContain(message)
})

test('duplicate keys, __proto__, NUL and half characters are problems at their place', () => {
  expect(
    problemsOf('{"a": 1,\n"a": 2,\n"__proto__": 3,\n"n": "\\u0000",\n"s": "\\ud800"}'),
  ).toEqual([
    { path: '/a', line: 2, message: 'The key "a" appears twice.' },
    { path: '/__proto__', line: 3, message: 'The key "__proto__" is not allowed.' },
    { path: '/n', line: 4, message: 'contains a NUL character.' },
    { path: '/s', line: 5, message: 'contains half of a surrogate pair, which is no character.' },
  ])
})

test('nesting and size are limited', () => {
  const deep = '['.repeat(100_000)
  expect(problemsOf(deep)[0]?.message).toContain('nested deeper than 64 levels')
  expect(problemsOf(`[${'0,'.repeat(100_001)}0]`)[0]?.message).toContain('more than 100000 values')
})

test('agrees with JSON.parse on what is JSON and what it means', () => {
  const valid = fc.json({ maxDepth: 5 }).filter((text) => !text.includes('__proto__'))
  const broken = fc
    .tuple(valid, fc.nat(), fc.constantFrom('', ',', '"', '}', ']', '0', '-', '\\', '\n', 'e'))
    .map(([text, at, insert]) => {
      const index = at % (text.length + 1)
      return text.slice(0, index) + insert + text.slice(index + (insert === '' ? 1 : 0))
    })
  fc.assert(
    fc.property(fc.oneof(valid, broken), (text) => {
      const parsed = readJson(text)
      const expected = parseOrUndefined(text)
      if (expected === undefined) {
        expect(parsed.ok).toBe(false)
      } else if (parsed.ok) {
        expect(parsed.value).toEqual(expected.value)
      } else {
        const stricter = /twice|NUL|surrogate|__proto__|too large/
        expect(parsed.problems.every((problem) => stricter.test(problem.message))).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

function parseOrUndefined(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}
