import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mapStatus, progressOf } from './map-status.ts'

describe('mapStatus', () => {
  it.each([
    ['success', 'success'],
    ['neutral', 'success'],
    ['skipped', 'success'],
    ['failure', 'failure'],
    ['cancelled', 'failure'],
    ['timed_out', 'failure'],
    ['startup_failure', 'failure'],
    ['stale', 'failure'],
    ['action_required', 'failure'],
  ])('of what completed as %s is %s', (conclusion, status) => {
    expect(mapStatus('completed', conclusion)).toBe(status)
  })

  it.each([
    ['in_progress', 'running'],
    ['queued', 'pending'],
    ['requested', 'pending'],
    ['waiting', 'pending'],
    ['pending', 'pending'],
  ])('of %s is %s', (githubStatus, status) => {
    expect(mapStatus(githubStatus, null)).toBe(status)
  })

  it('takes no unknown word for a success, nor for running', () => {
    expect(mapStatus('completed', null)).toBe('failure')
    fc.assert(
      fc.property(fc.string(), fc.option(fc.string()), (word, conclusion) => {
        const known = ['success', 'neutral', 'skipped']
        fc.pre(word !== 'in_progress' && !known.includes(conclusion ?? ''))
        expect(['pending', 'failure']).toContain(mapStatus(word, conclusion))
      }),
    )
    for (const word of ['constructor', 'toString', '__proto__']) {
      expect(mapStatus(word, null)).toBe('pending')
      expect(mapStatus('completed', word)).toBe('failure')
    }
  })
})

describe('progressOf', () => {
  it('goes from waiting over running to the end', () => {
    expect(['queued', 'in_progress', 'completed', 'whatever'].map(progressOf)).toEqual([0, 1, 2, 0])
  })
})
