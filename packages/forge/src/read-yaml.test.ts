import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readYaml } from './read-yaml.ts'

function problemsOf(text: string) {
  const parsed = readYaml(text)
  return parsed.ok ? [] : parsed.problems
}

test('tells the line of every key and item, aliases included', () => {
  const parsed = readYaml('# comment\na: &x\n  - 1\n  - b: yes\nc: *x\n')
  if (!parsed.ok) throw new Error('must be read')
  expect(parsed.value).toEqual({ a: [1, { b: 'yes' }], c: [1, { b: 'yes' }] })
  expect(['/a', '/a/0', '/a/1/b', '/c', '/c/1/b'].map(parsed.lineOf)).toEqual([2, 3, 4, 5, 4])
})

test.each([
  ['a: [1', 1, 'This is not YAML'],
  ['a: 1\nb: c: d\n', 2, 'This is not YAML'],
  ['a: 1\n---\nb: 2\n', 2, 'more than one YAML document'],
  ['a: 1\nb: !danger x\n', 2, 'Tags are not allowed'],
  ['a: !!js/function "x"\n', 1, 'Tags are not allowed'],
  ['%YAML 1.1\n---\na: yes\n', 1, 'YAML 1.1 is not supported'],
])('%j is refused at line %d', (text, line, message) => {
  const [problem] = problemsOf(text)
  expect(problem).toMatchObject({ path: '', line })
  expect(problem?.message).toContain(message)
})

test('duplicate, odd and dangerous keys are problems at their place', () => {
  expect(problemsOf('a: 1\nb:\n  c: 1\n  c: 2\n__proto__: 1\n1: x\n')).toEqual([
    { path: '/b/c', line: 4, message: 'The key "c" appears twice.' },
    { path: '/__proto__', line: 5, message: 'The key "__proto__" is not allowed.' },
    { path: '', line: 6, message: 'A key must be a string; put it in quotes.' },
  ])
  expect(problemsOf('a: "\\0"\n')[0]).toMatchObject({ path: '/a', line: 1 })
  expect(problemsOf('a: .inf\n')[0]).toMatchObject({ path: '/a', line: 1 })
})

test('an alias bomb stops at the limit of values', () => {
  const rows = Array.from({ length: 20 }, (_, index) => {
    const items = index === 0 ? '1' : Array.from({ length: 9 }, () => `*a${index - 1}`).join(',')
    return `a${index}: &a${index} [${items}]`
  })
  expect(problemsOf(rows.join('\n')).at(-1)?.message).toContain('more than 100000 values')
})

test('an alias inside its own anchor and one without an anchor are problems', () => {
  expect(problemsOf('a: &x\n  b: *x\n')[0]?.message).toContain('alias')
  expect(problemsOf('a: *nowhere\n')[0]?.message).toContain('alias')
})

test('an alias means the anchor last before it, expanded again or not', () => {
  const parsed = readYaml('a: &o {b: &x 1, c: *x}\nd: &x 2\ne: *o\nf: *x\n')
  expect(parsed).toMatchObject({ value: { e: { b: 1, c: 1 }, f: 2 } })
})

test.each(['[', '{a: ', '- ', '? ', '? - '])(
  '%j nested for ever is a problem, not a crash',
  (text) => {
    expect(problemsOf(text.repeat(50_000))[0]?.message).toContain('nested deeper')
  },
)

test('nesting up to the limit is read', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  expect(problemsOf(nested(64))).toEqual([])
  expect(problemsOf(nested(70))[0]?.message).toContain('nested deeper')
  const block = Array.from({ length: 60 }, (_, depth) => `${' '.repeat(depth)}k:\n`).join('')
  expect(problemsOf(block)).toEqual([])
})

test.each(['}', '"', '&a ', '*a\n', '%x\n', 'a: {}}\n', '- [}\n', '!x '])(
  'a file that is nothing but %j is given up after some errors',
  (text) => {
    const problems = problemsOf(text.repeat(10_000))
    expect(problems.length).toBeLessThan(60)
    expect(problems.at(-1)?.message).toContain('too many errors')
  },
)

test('a hundred thousand different keys are read in linear time', () => {
  const keys = Array.from({ length: 49_000 }, (_, index) => `k${index}: 1`)
  expect(readYaml(keys.join('\n')).ok).toBe(true)
})

test('means what JSON means for every JSON document', () => {
  const json = fc
    .json({ maxDepth: 4 })
    .filter((text) => !/__proto__|\\u0000|\\ud[89a-f]|"":/.test(text))
  fc.assert(
    fc.property(json, (text) => {
      const parsed = readYaml(text)
      if (parsed.ok) expect(parsed.value).toEqual(JSON.parse(text))
    }),
  )
})

test('no text makes it throw', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.stringMatching(/^[\n :\-[\]{}&*!|>'"#%@`,?a-c\t]{0,80}$/),
  )
  fc.assert(fc.property(text, (input) => typeof readYaml(input).ok === 'boolean'))
})
