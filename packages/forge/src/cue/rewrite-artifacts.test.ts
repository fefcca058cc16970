import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rewriteArtifacts } from './rewrite-artifacts.ts'

const written = '_ @artifact(name="api", field="image")'
const struct = '{"$artifact": {"name":"api","field":"image"}}'

test('the attribute becomes a struct, wherever its arguments stand', () => {
  expect(rewriteArtifacts(`image: ${written}\n`)).toEqual({
    source: `image: ${struct}\n`,
    problems: [],
  })
  expect(rewriteArtifacts('a: _ @artifact(field=image,name=api)').source).toBe(`a: ${struct}`)
  expect(rewriteArtifacts('a: _\t@artifact( name = "api" , field = "image" )').source).toBe(
    `a: ${struct}`,
  )
  expect(rewriteArtifacts(`a: (b & {c: ${written}})`).source).toBe(`a: (b & {c: ${struct}})`)
})

test('lines keep their numbers', () => {
  const { source } = rewriteArtifacts('a: _ @artifact(name="api",\n  field="image")\nb: 1')
  expect(source.split('\n')).toHaveLength(3)
  expect(source.split('\n')[2]).toBe('b: 1')
})

test.each([
  `a: "${written.replaceAll('"', "'")}"`,
  `a: "\\" ${written.replaceAll('"', '')}"`,
  `// ${written}`,
  `a: """\n  ${written}\n  """`,
  `a: '''\n  ${written}\n  '''`,
  `a: #"${written}"#`,
  `a: ##"x "# ${written} "##`,
  `a: #"""\n ${written} """ ${written}\n"""#`,
  'a: "\\(b) _ @artifact(name=x, field=y)"',
  'a: "\\("_ @artifact(name=x, field=y)" + "\\(c)") _ @artifact(name=x, field=y)"',
  'a: _|_ // nothing',
  'a: 1_000 @other(name="x")',
  'a: _ @other(name="x")',
])('%j is left as it is', (source) => {
  expect(rewriteArtifacts(source)).toEqual({ source, problems: [] })
})

test.each([
  'a: string @artifact(name="x", field="y")',
  'a: _x @artifact(name="x", field="y")',
  'a: _|_ @artifact(name="x", field="y")',
  'a: _\n@artifact(name="x", field="y")',
  'a: _ @artifact(name="x")',
  'a: _ @artifact(name="x", name="y")',
  'a: _ @artifact(nmae="x", field="y")',
])('%j is a problem with its line', (source) => {
  const result = rewriteArtifacts(`\n${source}`)
  expect(result.source).toBe(`\n${source}`)
  expect(result.problems).toMatchObject([
    { line: expect.any(Number), message: expect.stringContaining('lone _') },
  ])
})

const quietSegments = [
  `// it's a comment "with ${written}`,
  `s: "text \\" \\\\"`,
  `s: "x \\(y + ")") ${written.replaceAll('"', '')}"`,
  `s: """\n  "" ${written}\n  \\""" \\("""\n  ${written}\n""")\n  """`,
  `s: #"\\ " \\(x) ${written} \\#(y)"#`,
  `s: '${written}'`,
  't: {u: [1, 2, (3 + 4)], _hidden: _}',
  't: 0_1 @go(Name, "type=x") @tag(y)',
  '_|_',
]

test('in any mixture of code, strings and comments exactly the real attributes are replaced', () => {
  const quiet = fc.constantFrom(...quietSegments).map((text) => ({ text, expected: text }))
  const real = fc.constant({ text: `image: ${written}`, expected: `image: ${struct}` })
  fc.assert(
    fc.property(fc.array(fc.oneof(quiet, real), { maxLength: 30 }), (segments) => {
      const join = (key: 'text' | 'expected') => segments.map((segment) => segment[key]).join('\n')
      expect(rewriteArtifacts(join('text'))).toEqual({ source: join('expected'), problems: [] })
    }),
  )
})

test('any text without an attribute comes back unchanged, and no text makes it throw', () => {
  const noise = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.stringMatching(/^[_@#"'\\()\n \t/a{}|,=]{0,120}$/),
  )
  fc.assert(
    fc.property(noise, fc.boolean(), (text, withAttribute) => {
      const input = withAttribute ? text + written : text
      const { source } = rewriteArtifacts(input)
      if (!input.includes('@artifact')) expect(source).toBe(input)
      expect(source.split('\n')).toHaveLength(input.split('\n').length)
    }),
  )
})
