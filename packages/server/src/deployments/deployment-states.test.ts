import type { DeploymentStatus } from '@slipway/contract/deployments'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  deploymentTransitions,
  judgeReport,
  planActivation,
  type Standing,
} from './deployment-states.ts'

const statuses = ['pending', 'active', 'superseded'] as const satisfies DeploymentStatus[]

/** The history of a place that begins empty: deployments are committed, and reconciled in any order. */
const history = fc.array(fc.oneof(fc.constant('commit' as const), fc.nat({ max: 12 })), {
  maxLength: 30,
})

describe('planActivation', () => {
  it('keeps at most one active, moves only forward, and ends with the newest that was reconciled', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const place: Standing[] = []
        let newest = 0
        for (const step of steps) {
          if (step === 'commit') {
            const ordinal = place.length + 1
            place.push({ id: `d${ordinal}`, ordinal, status: 'pending' })
            continue
          }
          const target = place[step]
          if (target === undefined) continue
          if (target.status === 'pending') newest = Math.max(newest, target.ordinal)
          for (const change of planActivation(place, target.id)) {
            const changed = place.find(({ id }) => id === change.id)
            expect(deploymentTransitions[changed?.status ?? 'superseded']).toContain(change.status)
            if (changed !== undefined) changed.status = change.status
            expect(place.filter(({ status }) => status === 'active').length).toBeLessThanOrEqual(1)
          }
          const active = place.find(({ status }) => status === 'active')
          expect(active?.ordinal ?? 0).toBe(newest)
          for (const standing of place) {
            const isOlder = standing.ordinal < newest
            if (isOlder) expect(standing.status).toBe('superseded')
          }
        }
      }),
    )
  })

  it('changes nothing for what is not pending, or not there', () => {
    const place: Standing[] = [
      { id: 'a', ordinal: 1, status: 'superseded' },
      { id: 'b', ordinal: 2, status: 'active' },
    ]
    for (const id of ['a', 'b', 'c']) expect(planActivation(place, id)).toEqual([])
  })

  it('says by whom each was superseded', () => {
    const place: Standing[] = [
      { id: 'a', ordinal: 1, status: 'active' },
      { id: 'b', ordinal: 2, status: 'pending' },
      { id: 'c', ordinal: 3, status: 'pending' },
    ]
    expect(planActivation(place, 'c')).toEqual([
      { id: 'a', status: 'superseded', by: 'c' },
      { id: 'b', status: 'superseded', by: 'c' },
      { id: 'c', status: 'active' },
    ])
  })
})

describe('judgeReport', () => {
  it('never lets a report move a deployment backwards, and takes each one twice', () => {
    const any = fc.record({
      status: fc.constantFrom(...statuses),
      failed: fc.boolean(),
      wasActive: fc.boolean(),
    })
    fc.assert(
      fc.property(any, fc.constantFrom('active' as const, 'failed' as const), (before, report) => {
        const effect = judgeReport(before, report)
        if (effect === 'activate') {
          expect(before.status).toBe('pending')
          const after = { ...before, status: 'active' as const, wasActive: true }
          expect(judgeReport(after, report)).toBe('repeat')
        }
        if (effect === 'fail') {
          expect(before).toMatchObject({ status: 'pending', failed: false })
          expect(judgeReport({ ...before, failed: true }, report)).toBe('repeat')
        }
      }),
    )
  })

  it.each([
    ['pending', false, 'active', 'activate'],
    ['pending', true, 'active', 'activate'],
    ['active', false, 'active', 'repeat'],
    ['active', false, 'failed', 'contradiction'],
    ['superseded', false, 'failed', 'contradiction'],
  ] as const)('%s, failed %s, told %s: %s', (status, failed, report, effect) => {
    expect(judgeReport({ status, failed, wasActive: status === 'active' }, report)).toBe(effect)
  })

  it('refuses to activate what was superseded while it was pending', () => {
    const deployment = { status: 'superseded', failed: false } as const
    expect(judgeReport({ ...deployment, wasActive: false }, 'active')).toBe('contradiction')
    expect(judgeReport({ ...deployment, wasActive: true }, 'active')).toBe('repeat')
  })
})
