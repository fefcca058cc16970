import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CommitRun, describeCommit } from './describe-commit.ts'

const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1) + seconds * 1000)
const run = (more: Partial<CommitRun> = {}): CommitRun => ({
  id: 'a',
  branch: 'main',
  status: 'success',
  failedPhase: null,
  startedAt: at(0),
  completedAt: at(65),
  ...more,
})
const show = (...runs: CommitRun[]) => describeCommit(runs, { waiting: false })

describe('describeCommit', () => {
  it.each([
    [{ status: 'pending', completedAt: null }, 'pending', 'Waiting to start'],
    [{ status: 'running', completedAt: null }, 'pending', 'Running'],
    [{ status: 'success' }, 'success', 'Succeeded after 1m 5s'],
    [{ status: 'failed', failedPhase: 'test' }, 'failure', 'Failed in test after 1m 5s'],
    [{ status: 'cancelled', completedAt: at(3605) }, 'error', 'Cancelled after 1h 5s'],
  ] as const)('%o is %s', (more, state, description) => {
    expect(show(run(more))).toEqual({ state, description, runId: 'a' })
  })

  it('looks at the newest run of each ref only', () => {
    const failed = run({ id: 'old', status: 'failed' })
    const again = run({ id: 'new', startedAt: at(100), completedAt: at(110) })
    for (const runs of [
      [failed, again],
      [again, failed],
    ]) {
      expect(show(...runs)).toEqual({
        state: 'success',
        description: 'Succeeded after 10s',
        runId: 'new',
      })
    }
  })

  it('is as bad as the worst of several refs, once none goes on', () => {
    const pull = run({ id: 'b', branch: 'refs/pull/7/head', status: 'failed', failedPhase: 'test' })
    const tag = run({ id: 'c', branch: 'refs/tags/v1', status: 'running', completedAt: null })
    expect(show(run(), pull)).toMatchObject({
      state: 'failure',
      runId: 'b',
      description: 'Failed in test after 1m 5s (1 of 2 runs)',
    })
    expect(show(run(), pull, tag)).toMatchObject({ state: 'pending', runId: 'c' })
  })

  it('says that a pull request waits only where nothing has run', () => {
    expect(show()).toBeNull()
    expect(describeCommit([], { waiting: true })).toMatchObject({ state: 'pending', runId: null })
    expect(describeCommit([run()], { waiting: true })).toMatchObject({ state: 'success' })
  })

  it('never says more than GitHub takes', () => {
    const phase = fc.string({ maxLength: 300 })
    fc.assert(
      fc.property(phase, fc.nat(1e7), (failedPhase, seconds) => {
        const shown = show(
          run({ status: 'failed', failedPhase, completedAt: at(seconds) }),
          run({ branch: 'x' }),
        )
        expect(shown?.description.length).toBeLessThanOrEqual(140)
      }),
    )
  })
})
