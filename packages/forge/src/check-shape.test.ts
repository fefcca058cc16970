import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { checkShape } from './check-shape.ts'
import { ProjectFile } from './schema/project-file.ts'
import { RepositoryFile } from './schema/repository-file.ts'

function problemsOf(schema: TSchema, value: unknown): string[] {
  const found: string[] = []
  checkShape(schema, value, '.', (pointer, message) => found.push(`${pointer}: ${message}`))
  return found
}

test('names the place, what is expected and what is there', () => {
  const schema = Type.Object(
    { count: Type.Integer({ minimum: 1, maximum: 3 }), kind: Type.Enum(['big', 'small']) },
    { additionalProperties: false },
  )
  expect(problemsOf(schema, { count: 1.5, kind: 'bigg', knid: 1 })).toEqual([
    '/count: must be a whole number from 1 to 3, not 1.5.',
    '/kind: must be "big" or "small", not "bigg". Did you mean "big"?',
    '/knid: There is no key "knid" here. Known keys: count, kind.',
  ])
  expect(problemsOf(schema, {})).toEqual([': needs the key "count".', ': needs the key "kind".'])
  expect(problemsOf(schema, null)).toEqual([': must be an object, not nothing (null).'])
})

const words = fc.constantFrom<unknown>(
  'run',
  'npm',
  'make',
  'oci',
  's3',
  'main',
  'container',
  'monorepo',
  '10m',
  'a',
  'A b',
  '',
  1,
  0,
  -1,
  1.5,
  true,
  false,
  null,
)

/** Values near what the schema wants: each part right, wrong, missing or too much. */
function near(schema: Record<string, unknown>, depth: number): fc.Arbitrary<unknown> {
  const shape = schema as {
    anyOf?: Record<string, unknown>[]
    const?: unknown
    enum?: unknown[]
    type?: string
    items?: Record<string, unknown>
    properties?: Record<string, Record<string, unknown>>
    patternProperties?: Record<string, Record<string, unknown>>
    required?: string[]
  }
  if (depth > 7) return words
  const inner = (child: Record<string, unknown>) => near(child, depth + 1)
  if (shape.anyOf) return fc.oneof(...shape.anyOf.map(inner))
  if ('const' in shape) return mostly(fc.constant(shape.const))
  if (shape.enum) return mostly(fc.constantFrom(...shape.enum))
  if (shape.type === 'array') return mostly(fc.array(inner(shape.items ?? {}), { maxLength: 2 }))
  if (shape.patternProperties) {
    const [entry] = Object.values(shape.patternProperties)
    return mostly(
      fc.dictionary(fc.constantFrom('a', 'B2', 'x y', 'constructor'), inner(entry!), {
        maxKeys: 2,
      }),
    )
  }
  if (shape.type === 'object') {
    const properties = Object.entries(shape.properties ?? {}).map(([key, child]) => [
      key,
      inner(child),
    ])
    const record = fc.record(
      Object.fromEntries([...properties, ['extra', words]]) as Record<
        string,
        fc.Arbitrary<unknown>
      >,
      {
        requiredKeys: shape.required ?? [],
        noNullPrototype: true,
      },
    )
    return mostly(fc.oneof({ weight: 5, arbitrary: record.map(withoutExtra) }, record))
  }
  if (shape.type === 'string') return fc.oneof(fc.constantFrom('a', 'main', '10m', 'x'), words)
  return fc.oneof(fc.integer({ min: -1, max: 120 }), fc.boolean(), words)
}

function mostly(arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 9, arbitrary }, { weight: 1, arbitrary: words })
}

function withoutExtra({ extra: _, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest
}

test.each([
  ['repository', RepositoryFile],
  ['project', ProjectFile],
])('agrees with the JSON Schema of the %s file on what is allowed', (_, schema) => {
  let allowed = 0
  // Formats are this package's own: a text that is wrong only by its format is not generated as an error.
  const onlyFormats =
    /must be a duration|must be an image|regular expression|wildcards|must be a path/
  fc.assert(
    fc.property(near(schema as unknown as Record<string, unknown>, 0), (value) => {
      const problems = problemsOf(schema, value).filter((problem) => !onlyFormats.test(problem))
      const valid = Value.Check(schema, value)
      if (valid) allowed += 1
      // A discriminated union of ours wants its discriminator even where another variant would fit.
      expect({ value, problems: problems.length > 0 }).toEqual({ value, problems: !valid })
    }),
    { numRuns: 1_000 },
  )
  expect(allowed).toBeGreaterThan(0)
})
