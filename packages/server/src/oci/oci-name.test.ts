import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOciName, ociName } from './oci-name.ts'

const anyName = fc.oneof(
  fc.string({ minLength: 1, maxLength: 80 }),
  fc.string({
    unit: fc.constantFrom('a', 'B', '0', '.', '_', '-', 'h', '/', 'é', ' ', '\ud800', '\ud801'),
    minLength: 1,
    maxLength: 70,
  }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

describe('ociName', () => {
  it('leaves alone what is valid', () => {
    expect(ociName('acme/shop', 'api')).toBe('acme/shop/api')
    expect(ociName('a.b_c__d---e')).toBe('a.b_c__d---e')
  })

  it('says what it was, where it had to change', () => {
    expect(ociName('Acme/shop')).toMatch(/^acme-h[0-9a-f]{16}\/shop$/)
    expect(ociName('acme', '-a..B-')).toMatch(/^acme\/a-b-h[0-9a-f]{16}$/)
    expect(ociName('')).toMatch(/^x-h[0-9a-f]{16}$/)
  })

  it('is always valid', () => {
    fc.assert(
      fc.property(fc.array(anyName, { minLength: 1, maxLength: 3 }), (path) => {
        const made = ociName(...path)
        expect(made.split('/').every((part) => isOciName(part) && part.length <= 56)).toBe(true)
      }),
    )
  })

  it('differs where the paths differ', () => {
    fc.assert(
      fc.property(anyName, anyName, (one, other) => {
        fc.pre(one !== other)
        expect(ociName(one)).not.toBe(ociName(other))
      }),
    )
  })

  it('differs by case, by length, and from the names that it makes itself', () => {
    const made = ociName('Acme')
    const long = 'a'.repeat(80)
    const all = ['Acme', 'acme', 'ACME', made, long, `${long}b`, ociName(long)]
    expect(new Set(all.map((text) => ociName(text))).size).toBe(all.length)
  })

  it('begins with the name of what it is below', () => {
    fc.assert(
      fc.property(anyName, anyName, (above, below) => {
        expect(ociName(above, below).startsWith(`${ociName(above)}/`)).toBe(true)
      }),
    )
  })
})

describe('isOciName', () => {
  it.each(['Acme', 'a//b', '/a', 'a/', 'a..b', 'a_-b', '', '../a', 'a b', 'a'.repeat(256)])(
    'refuses %j',
    (text) => expect(isOciName(text)).toBe(false),
  )
})
