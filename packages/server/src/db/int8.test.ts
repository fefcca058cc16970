import fc from 'fast-check'
import pg from 'pg'
import { expect, test } from 'vitest'
import { parseInt8, typeParsers } from './int8.ts'

test('every safe integer is read as itself', () => {
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => parseInt8(String(value)) === value))
})

test('what a number cannot hold is refused, not rounded', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }), (value) => {
      expect(() => parseInt8(String(value))).toThrow(RangeError)
      expect(() => parseInt8(String(-value))).toThrow(RangeError)
    }),
  )
})

test('only bigint is parsed our way, and only on our connections', () => {
  expect(typeParsers.getTypeParser(pg.types.builtins.INT8, 'text')).toBe(parseInt8)
  expect(typeParsers.getTypeParser(pg.types.builtins.INT4, 'text')).toBe(
    pg.types.getTypeParser(pg.types.builtins.INT4, 'text'),
  )
  expect(pg.types.getTypeParser(pg.types.builtins.INT8, 'text')('1')).toBe('1')
})
