import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectSameInAnyOrder } from '../../../../test/support/any-order.ts'
import { progressOf } from './map-status.ts'
import { changedSteps, isSameJob, mergeJob } from './merge-job.ts'
import type { JobSnapshot, StepSnapshot } from './snapshots.ts'

const step = (number: number, status: string, conclusion: string | null = null): StepSnapshot => ({
  number,
  name: `step ${number}`,
  status,
  conclusion,
  started_at: null,
  completed_at: null,
})

const base: JobSnapshot = {
  id: 987654321,
  runId: 123456789,
  attempt: 1,
  name: 'build',
  githubStatus: 'queued',
  conclusion: null,
  createdAt: new Date('2025-01-01T10:00:00Z'),
  startedAt: null,
  completedAt: null,
  runnerName: null,
  labels: ['ubuntu-latest'],
  steps: [],
}

const anyStep = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('queued', 'in_progress', 'completed'))
  .chain(([number, status]) =>
    fc
      .constantFrom('success', 'failure')
      .map((conclusion) => step(number, status, status === 'completed' ? conclusion : null)),
  )
const anyState: fc.Arbitrary<JobSnapshot> = fc
  .record({
    githubStatus: fc.constantFrom('queued', 'waiting', 'in_progress', 'completed'),
    conclusion: fc.constantFrom('success', 'failure'),
    second: fc.integer({ min: 0, max: 2 }),
    steps: fc.array(anyStep, { maxLength: 5 }),
  })
  .map(({ githubStatus, conclusion, second, steps }) => {
    const ended = githubStatus === 'completed'
    const at = new Date(Date.UTC(2025, 0, 1, 10, 1, second))
    return {
      ...base,
      githubStatus,
      conclusion: ended ? conclusion : null,
      startedAt: githubStatus === 'queued' ? null : at,
      completedAt: ended ? at : null,
      steps,
    }
  })

describe('mergeJob', () => {
  it('comes to the same whatever the order, and however often each delivery comes', () => {
    expectSameInAnyOrder(anyState, mergeJob)
  })

  it('takes neither the job nor any of its steps back', () => {
    fc.assert(
      fc.property(anyState, anyState, (first, second) => {
        const known = mergeJob(null, first)
        const after = mergeJob(known, second)
        expect(progressOf(after.githubStatus)).toBeGreaterThanOrEqual(
          progressOf(known.githubStatus),
        )
        for (const was of known.steps) {
          const is = after.steps.find(({ number }) => number === was.number)
          expect(progressOf(is?.status ?? '')).toBeGreaterThanOrEqual(progressOf(was.status))
        }
      }),
    )
  })

  it('has the steps in order, each once', () => {
    const job = mergeJob(
      { ...base, steps: [step(2, 'queued')] },
      {
        ...base,
        steps: [step(3, 'queued'), step(1, 'completed', 'success'), step(2, 'completed')],
      },
    )
    expect(job.steps.map(({ number, status }) => [number, status])).toEqual([
      [1, 'completed'],
      [2, 'completed'],
      [3, 'queued'],
    ])
  })
})

describe('isSameJob', () => {
  it('looks at the job and at its steps', () => {
    expect(isSameJob(base, { ...base, labels: ['ubuntu-latest'] })).toBe(true)
    expect(isSameJob(base, { ...base, githubStatus: 'in_progress' })).toBe(false)
    expect(isSameJob(base, { ...base, steps: [step(1, 'queued')] })).toBe(false)
  })
})

describe('changedSteps', () => {
  it('names those that are new or not as they were', () => {
    const before = [step(1, 'completed', 'success'), step(2, 'in_progress')]
    const after = [
      step(1, 'completed', 'success'),
      step(2, 'completed', 'failure'),
      step(3, 'queued'),
    ]
    expect(changedSteps(before, after).map(({ number }) => number)).toEqual([2, 3])
  })
})
