import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeError, encodeResult, maxResultBytes } from './encode-outcome.ts'

const replaced = (text: string) =>
  text.replaceAll('\0', '\ufffd').replaceAll(/\p{Surrogate}/gu, '\ufffd')

describe('encodeResult', () => {
  it('keeps every string but for NUL and lone surrogates', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('\0', '\\', 'u0000', '\ud83d', '\ude00', 'a', '"', '\n')),
        (parts) => {
          const text = parts.join('')
          expect(JSON.parse(encodeResult({ text }) ?? '')).toEqual({ text: replaced(text) })
        },
      ),
    )
  })

  it('is null for nothing, and refuses what cannot be stored', () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    expect(encodeResult(undefined)).toBeNull()
    expect(encodeResult(null)).toBeNull()
    expect(() => encodeResult(() => 1)).toThrow(TypeError)
    expect(() => encodeResult(circular)).toThrow(TypeError)
    expect(() => encodeResult('x'.repeat(maxResultBytes))).toThrow(RangeError)
  })
})

it('encodeError bounds the text and drops NUL', () => {
  expect(encodeError(undefined)).toBeNull()
  expect(encodeError('a\0b')).toBe('a\ufffdb')
  expect(encodeError('x'.repeat(10_000))).toHaveLength(4000)
})
