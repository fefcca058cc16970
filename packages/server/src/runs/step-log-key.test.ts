import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stepLogKey } from './step-log-key.ts'

const key = (phase: string, project: string, step: string) =>
  stepLogKey({ runId: 'r', phase, project, step })

describe('stepLogKey', () => {
  it('is the documented path for plain names', () => {
    expect(key('build', 'api', 'compile')).toBe('pipeline-runs/r/logs/build/api/compile.log')
  })

  it('keeps any name inside its own segment, and no two names in one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
        const path = key('p', 'x', one)
        expect(path).toMatch(/^pipeline-runs\/r\/logs\/p\/x\/[A-Za-z0-9._@+=-]*\.log$/)
        expect(key(one, 'x', 's').split('/')).toHaveLength(6)
        expect(key(one || '.', 'x', 's').split('/')[3]).not.toMatch(/^\.+$/)
        const bytes = (text: string) => Buffer.from(text, 'utf8').toString('hex')
        expect(path === key('p', 'x', other)).toBe(bytes(one) === bytes(other))
      }),
    )
  })
})
