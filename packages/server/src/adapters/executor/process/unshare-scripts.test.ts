import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeEnvironment, fstabLine } from './unshare-scripts.ts'

describe('encodeEnvironment', () => {
  it('takes two lines a variable, from which the value can be read back', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '\\', 'n', '\n', ' ', '%')), (characters) => {
        const value = characters.join('')
        const [name, line, ...rest] = encodeEnvironment({ NAME: value }).toString().split('\n')
        expect({ name, rest }).toEqual({ name: 'NAME', rest: [''] })
        const decoded = line?.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
        expect(decoded).toBe(value)
      }),
    )
  })
})

describe('fstabLine', () => {
  it('has six fields whatever the paths', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (source, target) => {
        const line = fstabLine(`/${source}`, `/${target}`, 'none', 'bind')
        const fields = line.trimEnd().split(' ')
        expect(line.split('\n')).toHaveLength(2)
        expect(fields).toHaveLength(6)
        const plain = fields.map((field) =>
          field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
            String.fromCharCode(Number.parseInt(digits, 8)),
          ),
        )
        expect(plain).toEqual([`/${source}`, `/${target}`, 'none', 'bind', '0', '0'])
      }),
    )
  })
})
