import type { DelegationStatus } from '@slipway/contract/delegations'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareStatus, delegationTransitions, hasEnded } from './delegation-states.ts'

const statuses = Object.keys(delegationTransitions) as DelegationStatus[]
const anyStatus = fc.constantFrom(...statuses)
const rank: Record<DelegationStatus, number> = {
  queued: 0,
  assigned: 1,
  running: 2,
  completed: 3,
  failed: 3,
  cancelled: 3,
}

describe('the states of a delegation', () => {
  it('end at completed, failed and cancelled, and nowhere else', () => {
    expect(statuses.filter(hasEnded)).toEqual(['completed', 'failed', 'cancelled'])
  })

  it('take whatever comes in whatever order, and only ever go forward', () => {
    fc.assert(
      fc.property(fc.array(anyStatus, { maxLength: 30 }), (reports) => {
        let at: DelegationStatus = 'queued'
        for (const to of reports) {
          const means = compareStatus(at, to)
          expect(means === 'repeat').toBe(at === to)
          expect(means === 'move').toBe(rank[to] > rank[at])
          if (means === 'move') at = to
        }
      }),
    )
  })

  it('end once: of two ends the first one stands', () => {
    fc.assert(
      fc.property(anyStatus, anyStatus, (end, later) => {
        fc.pre(hasEnded(end))
        expect(compareStatus(end, later)).toBe(end === later ? 'repeat' : 'contradiction')
      }),
    )
  })
})
