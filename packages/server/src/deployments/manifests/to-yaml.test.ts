import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { toYaml } from './to-yaml.ts'

const read = (text: string, version: '1.1' | '1.2') =>
  [...parseAllDocuments(text, { version, merge: false })].map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS() as unknown
  })

describe('toYaml', () => {
  it('sorts keys and keeps the order of lists', async () => {
    const text = await toYaml([{ b: 1, a: { d: [3, 1, 2], c: true } }, { kind: 'Service' }])
    expect(text).toBe('a:\n  c: true\n  d:\n    - 3\n    - 1\n    - 2\nb: 1\n---\nkind: Service\n')
  })

  it.each(['yes', 'off', 'y', 'null', '~', '0o17', '017', '1e3', '1:30', '12:30:45', '.inf', '='])(
    'keeps %j a text',
    async (text) => {
      const yaml = await toYaml([{ value: text, [text]: 1 }])
      for (const version of ['1.1', '1.2'] as const) {
        expect(read(yaml, version)).toEqual([{ value: text, [text]: 1 }])
      }
      expect(yaml).toContain(`"${text}"`)
    },
  )

  it('says the same to readers of YAML 1.1 and 1.2, for any value', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), async (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as object
        const yaml = await toYaml([plain])
        expect(read(yaml, '1.1')).toEqual([plain])
        expect(read(yaml, '1.2')).toEqual([plain])
      }),
    )
  })

  it('is the same for equal values', async () => {
    const one = { kind: 'A', metadata: { name: 'x', labels: { b: '1', a: '2' } } }
    const other = { metadata: { labels: { a: '2', b: '1' }, name: 'x' }, kind: 'A' }
    expect(await toYaml([one])).toBe(await toYaml([other]))
  })
})
