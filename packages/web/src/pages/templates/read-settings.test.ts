import { describe, expect, it } from 'vitest'
import { readSettings } from './read-settings.ts'

describe('readSettings', () => {
  it('takes an object of JSON', () => {
    expect(readSettings('{"a.b": [1, null]}')).toEqual({
      settings: { 'a.b': [1, null] },
      problem: null,
    })
  })

  it.each(['[]', '1', 'null', '"x"'])('refuses %s', (text) => {
    expect(readSettings(text).problem).toContain('keys and values')
  })

  it('says where what is no JSON ends to be', () => {
    expect(readSettings('{\n  "a": 1,\n  b\n}').problem).toMatch(/line 3 column 3/)
  })
})
