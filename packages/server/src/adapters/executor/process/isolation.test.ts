import { describe, expect, it } from 'vitest'
import type { CheckedSpec } from '../check-spec.ts'
import { listBinds } from './isolation.ts'

const binds = (over: Partial<CheckedSpec>) =>
  listBinds({ workspace: '/w/one', cache: null, readOnly: [], ...over } as CheckedSpec)

describe('listBinds', () => {
  it('puts a directory before what lies in it, so that the inner one stays as it is meant', () => {
    expect(binds({ readOnly: ['/w/one/inner', '/w'], cache: '/w/one/c' })).toEqual([
      { path: '/w', write: false },
      { path: '/w/one', write: true },
      { path: '/w/one/c', write: true },
      { path: '/w/one/inner', write: false },
    ])
  })

  it('keeps the workspace writable when it is also named read-only', () => {
    expect(binds({ readOnly: ['/w/one'] })).toEqual([{ path: '/w/one', write: true }])
  })
})
