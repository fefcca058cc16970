import fc from 'fast-check'
import { parse as parseJson } from 'jsonc-parser'
import { parse as parseToml, stringify as stringifyToml } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml, stringify as stringifyYaml } from 'yaml'
import { mergeJson } from './merge-json.js'
import { mergeToml } from './merge-toml.js'
import { mergeYaml } from './merge-yaml.js'

const leaves = (settings: Record<string, unknown>) =>
  Object.entries(settings).map(([key, value]) => ({ path: key.split('.'), value }))

describe('mergeJson', () => {
  const merge = (text: string | null, settings: Record<string, unknown>) =>
    mergeJson(text, leaves(settings))

  it('keeps indentation, comments, order and numbers as they are written', () => {
    const before = `{
    // Kept
    "big": 12345678901234567890,
    "float": 1.0,
    "a": { "b": 1, "c": [1, 2] },
    "name": "old" /* here */
}
`
    expect(merge(before, { name: 'new', 'a.b': 2, 'a.x': true, float: 1, list: [1] })).toEqual({
      text: `{
    // Kept
    "big": 12345678901234567890,
    "float": 1.0,
    "a": { "b": 2, "c": [1, 2], "x": true },
    "name": "new", /* here */
    "list": [
        1
    ]
}
`,
      added: 2,
      changed: 2,
      same: 1,
    })
    expect(merge('{\n\t"a": 1\n}', { b: 2 }).text).toBe('{\n\t"a": 1,\n\t"b": 2\n}')
    expect(merge('{\r\n  "a": 1\r\n}\r\n', { b: 2 }).text).toBe(
      '{\r\n  "a": 1,\r\n  "b": 2\r\n}\r\n',
    )
  })

  it('puts what is new where the others have their place', () => {
    expect(merge('{"a": {}, "b": {"c": 1}}', { 'b.d': 2 }).text).toBe(
      '{"a": {}, "b": {"c": 1, "d": 2}}',
    )
    expect(merge('{\n  "a": 1, // one\n}', { b: 2 }).text).toBe('{\n  "a": 1, // one\n  "b": 2,\n}')
    expect(merge('{\n  "a": 1 /* one\n two */\n}', { b: 2 }).text).toBe(
      '{\n  "a": 1,\n  "b": 2 /* one\n two */\n}',
    )
    expect(merge('{\n  // Nothing yet\n}\n', { b: null }).text).toBe(
      '{\n  // Nothing yet\n  "b": null\n}\n',
    )
    expect(merge('{"a": null}', { 'a.b.c': 1 }).text).toBe('{"a": {\n  "b": {\n    "c": 1\n  }\n}}')
  })

  it('makes a file, and reaches into lists', () => {
    expect(merge(null, { 'a.b': 1 }).text).toBe('{\n  "a": {\n    "b": 1\n  }\n}\n')
    expect(merge('{"a": [{"b": 1}, 2]}', { 'a.0.b': 3, 'a.1': 4 }).text).toBe(
      '{"a": [{"b": 3}, 4]}',
    )
  })

  it.each([
    ['{"a": }', 'is not valid JSON: ValueExpected at line 1, column 7'],
    ['{\n"a": 1 "b"}', 'is not valid JSON: CommaExpected at line 2, column 8'],
    ['[1]', 'holds no object'],
    ['"x"', 'holds no object'],
    ['{"a": 1}', 'has a value at a, where keys are to be'],
    ['{"a": [1]}', 'has a list at a, without an item b'],
    ['{"a": {"b": 1}, "a": {"b": 2}}', 'is written in a way in which these keys cannot be set'],
  ])('refuses %s', (text, why) => {
    expect(() => merge(text, { 'a.b': 9 })).toThrow(why)
  })
})

describe('mergeYaml', () => {
  const merge = (text: string | null, settings: Record<string, unknown>) =>
    mergeYaml(text, leaves(settings))

  it('keeps comments, order and how values are written', () => {
    const before = `# Top
version: '3' # quoted
services:
    web:
        image: "old" # the image
        ports:
            - "80:80" # kept
        # About the environment
        environment: &env
            A: 1
8080: number
empty:
text: |
    two
    lines
`
    expect(
      merge(before, {
        version: '4',
        'services.web.image': 'new',
        'services.web.environment.A': 2,
        'services.web.environment.B': 'yes',
        '8080': 'other',
        'empty.x': null,
        'new.deep': [1, 'a'],
      }),
    ).toEqual({
      text: `# Top
version: '4' # quoted
services:
    web:
        image: "new" # the image
        ports:
            - "80:80" # kept
        # About the environment
        environment: &env
            A: 2
            B: "yes"
8080: other
empty:
    x: null
text: |
    two
    lines
new:
    deep:
        - 1
        - a
`,
      added: 3,
      changed: 4,
      same: 0,
    })
  })

  it('keeps lists where they stand, and leaves a file alone that has all of it', () => {
    const before = 'a:\n- 1\n- x: 2\nb:   "odd spacing"\n'
    expect(merge(before, { b: 'odd spacing', 'a.0': 1 })).toMatchObject({ text: before, same: 2 })
    expect(merge(before, { 'a.1.x': 3 }).text).toBe('a:\n- 1\n- x: 3\nb: "odd spacing"\n')
    expect(merge('a: 1\r\nb: 2\r\n', { a: 3 }).text).toBe('a: 3\r\nb: 2\r\n')
  })

  it('makes a file, and fills one of comments', () => {
    expect(merge(null, { 'a.b': 'x', c: '007', d: 'on' }).text).toBe(
      'a:\n  b: x\nc: "007"\nd: "on"\n',
    )
    expect(merge('# Only this\n', { a: 1 }).text).toBe('# Only this\n\na: 1\n')
  })

  it.each([
    ['a: [1', 'is not valid YAML'],
    ['a: 1\na: 2\n', 'is not valid YAML: Map keys must be unique'],
    ['- 1\n', 'holds no mapping'],
    ['text\n', 'holds no mapping'],
    ['a: 1\n---\nb: 2\n', 'has several documents'],
    ['a: 1\n', 'has a value at a, where keys are to be'],
    ['a: [1]\n', 'has a list at a, without an item b'],
    ['x: &x {b: 1}\na: *x\n', 'has an alias at a, which others share'],
  ])('refuses %j', (text, why) => {
    expect(() => merge(text, { 'a.b': 9 })).toThrow(why)
  })

  it('is not blown up by aliases of aliases', () => {
    const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x]']
    for (let at = 1; at < 12; at++) {
      lines.push(`a${at}: &a${at} [${Array.from({ length: 9 }, () => `*a${at - 1}`).join(',')}]`)
    }
    expect(() => merge(`${lines.join('\n')}\n`, { b: 1 })).toThrow(
      'has more aliases than are followed',
    )
  })
})

describe('mergeToml', () => {
  const merge = (text: string | null, settings: Record<string, unknown>) =>
    mergeToml(text, leaves(settings))

  it('keeps comments, order and how values are written', () => {
    const before = `# Top
title = "old" # inline
hex = 0x10
big = 9007199254740993
when = 1979-05-27T07:32:00Z

[a.b] # a table
list = [
  1, # one
]
inner = { x = 1 }

[[servers]]
name = "one"
`
    expect(
      merge(before, {
        title: 'new "quoted"',
        hex: 16,
        'a.b.inner.y': 2,
        'a.b.z': 1.5,
        'c.d': ['x'],
        'servers.0.name': 'two',
        top: true,
      }),
    ).toEqual({
      text: `# Top
title = "new \\"quoted\\"" # inline
hex = 0x10
big = 9007199254740993
when = 1979-05-27T07:32:00Z
top = true

[a.b] # a table
list = [
  1, # one
]
inner = { x = 1, y = 2 }
z = 1.5

[[servers]]
name = "two"

[c]
d = [ "x" ]
`,
      added: 4,
      changed: 2,
      same: 1,
    })
  })

  it('makes a file', () => {
    expect(parseToml(merge(null, { a: 1, 'b.c': 'x' }).text)).toEqual({ a: 1, b: { c: 'x' } })
  })

  it.each([
    ['a = ', 'is not valid TOML'],
    ['x = 1\na = [1', 'is not valid TOML'],
    ['a = 1\n', 'has a value at a, where keys are to be'],
    ['a = [1]\n', 'has a list at a, without an item b'],
  ])('refuses %j', (text, why) => {
    expect(() => merge(text, { 'a.b': 9 })).toThrow(why)
  })
})

/** Documents of objects, lists and values that all three formats have. */
const key = fc.constantFrom('a', 'b', 'c', 'key with blank', 'é', '1', 'constructor', 'toString')
const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constantFrom('yes', '007', '#'))
const documents = fc.dictionary(
  key,
  fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, scalar, tie('list'), tie('object')),
    list: fc.array(scalar, { maxLength: 3 }),
    object: fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  })).value,
  { maxKeys: 4 },
)
const wanted = fc.array(
  fc.record({ path: fc.array(key, { minLength: 1, maxLength: 3 }), value: scalar }),
  { maxLength: 4 },
)

/** What merging should come to; null: it cannot. */
function expected(document: unknown, settings: { path: string[]; value: unknown }[]): unknown {
  const result = structuredClone(document) as Record<string, unknown>
  for (const { path, value } of settings) {
    let place = result
    for (const part of path.slice(0, -1)) {
      if (!Object.hasOwn(place, part)) place[part] = {}
      const next = place[part]
      if (typeof next !== 'object' || next === null) return null
      if (Array.isArray(next)) return null
      place = next as Record<string, unknown>
    }
    place[path.at(-1) ?? ''] = value
  }
  return result
}

describe.each([
  ['json', mergeJson, (value: unknown) => JSON.stringify(value, null, 2), parseJson],
  ['yaml', mergeYaml, stringifyYaml, parseYaml],
  ['toml', mergeToml, stringifyToml, parseToml],
] as const)('merging into %s', (_name, merge, stringify, parse) => {
  it('comes to what setting the keys comes to, or is refused', () => {
    fc.assert(
      fc.property(documents, wanted, (document, settings) => {
        const text = (stringify as (value: unknown) => string)(document)
        const result = expected((parse as (text: string) => unknown)(text), settings)
        if (result === null) return
        const { text: merged } = merge(text, settings)
        expect(plain((parse as (text: string) => unknown)(merged))).toEqual(plain(result))
        const again = merge(merged, last(settings))
        expect(again.text).toBe(merged)
      }),
      { numRuns: 300 },
    )
  })

  it('reaches no prototype', () => {
    const settings = [{ path: ['__proto__', 'polluted'], value: true }]
    try {
      merge(null, settings)
    } catch {
      // Refusing it is as good.
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

/** Of each path, and what is below it, what was set last. */
function last(settings: { path: string[]; value: unknown }[]) {
  return settings.filter(({ path }, index) =>
    settings
      .slice(index + 1)
      .every(
        (later) =>
          !(later.path.length <= path.length && later.path.every((part, at) => part === path[at])),
      ),
  )
}

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) => (Object.is(inner, -0) ? 0 : inner)),
  )
}
