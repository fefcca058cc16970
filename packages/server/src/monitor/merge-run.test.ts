import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectSameInAnyOrder } from '../../../../test/support/any-order.ts'
import { awaitsApproval, progressOf } from './map-status.ts'
import { mergeRun } from './merge-run.ts'
import type { RunSnapshot } from './snapshots.ts'

const base: RunSnapshot = {
  id: 123456789,
  workflowId: 7,
  workflowName: 'CI/CD Pipeline',
  workflowPath: '.github/workflows/ci.yml',
  runNumber: 12,
  attempt: 1,
  event: 'push',
  branch: 'main',
  commitSha: 'abc123def456',
  commitMessage: 'Add new feature',
  actor: 'username',
  url: 'https://github.com/owner/repo-name/actions/runs/123456789',
  githubStatus: 'queued',
  conclusion: null,
  createdAt: new Date('2025-01-01T10:00:00Z'),
  runStartedAt: new Date('2025-01-01T10:00:00Z'),
  updatedAt: new Date('2025-01-01T10:00:00Z'),
}

const words = ['queued', 'requested', 'waiting', 'pending', 'in_progress', 'completed']
const anyState: fc.Arbitrary<RunSnapshot> = fc
  .record({
    attempt: fc.integer({ min: 1, max: 3 }),
    githubStatus: fc.constantFrom(...words),
    conclusion: fc.constantFrom('success', 'failure', 'cancelled', 'action_required'),
    second: fc.integer({ min: 0, max: 3 }),
    actor: fc.constantFrom('a', 'b'),
  })
  .map(({ attempt, githubStatus, conclusion, second, actor }) => ({
    ...base,
    attempt,
    githubStatus,
    actor,
    conclusion: githubStatus === 'completed' ? conclusion : null,
    updatedAt: new Date(base.updatedAt.getTime() + second * 1000),
  }))

describe('mergeRun', () => {
  it('comes to the same whatever the order, and however often each delivery comes', () => {
    expectSameInAnyOrder(anyState, mergeRun)
  })

  it('never goes back within an attempt, nor to an earlier attempt', () => {
    fc.assert(
      fc.property(anyState, anyState, (known, told) => {
        const after = mergeRun(known, told)
        expect(after.attempt).toBe(Math.max(known.attempt, told.attempt))
        if (after.attempt === known.attempt && !awaitsApproval(known)) {
          expect(progressOf(after.githubStatus)).toBeGreaterThanOrEqual(
            progressOf(known.githubStatus),
          )
        }
      }),
    )
  })

  it('answers the known one itself where nothing is new', () => {
    const known = { ...base, githubStatus: 'completed', conclusion: 'success' }
    expect(mergeRun(known, base)).toBe(known)
    expect(mergeRun(known, { ...known })).toBe(known)
  })

  it('goes on with an attempt that somebody has let begin', () => {
    const waits = { ...base, githubStatus: 'completed', conclusion: 'action_required' }
    const at = new Date('2025-01-01T10:01:00Z')
    const queued = { ...base, updatedAt: at }
    expect(mergeRun(waits, queued)).toBe(queued)
    expect(mergeRun(queued, waits)).toBe(queued)
    const running = { ...queued, githubStatus: 'in_progress' }
    expect(mergeRun(running, { ...waits, updatedAt: new Date('2025-01-02T10:00:00Z') })).toBe(
      running,
    )
  })

  it('starts again with a new attempt, and forgets it for no late end of the old one', () => {
    const ended = { ...base, githubStatus: 'completed', conclusion: 'failure' }
    const again = { ...base, attempt: 2, githubStatus: 'queued' }
    expect(mergeRun(ended, again)).toBe(again)
    expect(mergeRun(again, { ...ended, updatedAt: new Date('2025-01-02T10:00:00Z') })).toBe(again)
  })
})
