import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../errors.ts'
import { type StepRow, mergeStepReport, taskStatusAfter } from './merge-report.ts'

const step = (over: Partial<StepRow> = {}): StepRow => ({
  id: 's',
  name: 'test',
  status: 'pending',
  exitCode: null,
  error: null,
  logKey: 'log',
  ...over,
})
const task = { status: 'running', error: null, attempt: 1, job_id: null } as const

describe('mergeStepReport', () => {
  it('moves forward', () => {
    expect(mergeStepReport(step(), { id: 's', status: 'running' })).toMatchObject({
      status: 'running',
    })
    expect(
      mergeStepReport(step({ status: 'running' }), { id: 's', status: 'failed', exitCode: 2 }),
    ).toMatchObject({ status: 'failed', exitCode: 2 })
  })

  it('takes the same report twice without a change', () => {
    const done = step({ status: 'success', exitCode: 0 })
    expect(mergeStepReport(done, { id: 's', status: 'success', exitCode: 0 })).toBeNull()
    expect(mergeStepReport(done, { id: 's', status: 'success' })).toBeNull()
  })

  it('refuses what contradicts the row', () => {
    const done = step({ status: 'failed', exitCode: 1 })
    expect(() => mergeStepReport(done, { id: 's', status: 'success' })).toThrow(AppError)
    expect(() => mergeStepReport(done, { id: 's', status: 'running' })).toThrow(AppError)
    expect(() => mergeStepReport(done, { id: 's', status: 'failed', exitCode: 2 })).toThrow(
      AppError,
    )
    expect(() => mergeStepReport(step(), { id: 's', status: 'success', exitCode: 3 })).toThrow(
      AppError,
    )
  })

  it('never leaves a finished status, whatever is reported', () => {
    const report = fc.record({
      id: fc.constant('s'),
      status: fc.constantFrom('running', 'success', 'failed'),
      exitCode: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(report), (reports) => {
        let row = step()
        for (const next of reports) {
          const before = row
          try {
            row = { ...row, ...mergeStepReport(row, next) }
          } catch (error) {
            expect(error).toBeInstanceOf(AppError)
          }
          if (before.status === 'success' || before.status === 'failed') {
            expect(row.status).toBe(before.status)
            if (before.exitCode !== null) expect(row.exitCode).toBe(before.exitCode)
          }
        }
      }),
    )
  })
})

describe('taskStatusAfter', () => {
  it('lets a task succeed when all of its steps have', () => {
    const steps = [step({ status: 'success' }), step({ status: 'success' })]
    expect(taskStatusAfter(task, steps, undefined)).toEqual({ status: 'success', error: null })
  })

  it('fails a task once a step has failed and none is running', () => {
    const failed = step({ status: 'failed', exitCode: 7 })
    expect(taskStatusAfter(task, [failed, step({ status: 'running' })], undefined)).toBeNull()
    expect(taskStatusAfter(task, [failed, step()], undefined)).toEqual({
      status: 'failed',
      error: 'step test exited with 7',
    })
  })

  it('does not end a task that is said to be running: there is more to come', () => {
    const failed = step({ status: 'failed', exitCode: 7 })
    expect(taskStatusAfter(task, [failed], { status: 'running' })).toBeNull()
    expect(taskStatusAfter(task, [failed], { status: 'failed', error: 'step b' })).toEqual({
      status: 'failed',
      error: 'step b',
    })
  })

  it('starts a task with its first step', () => {
    expect(
      taskStatusAfter({ ...task, status: 'pending' }, [step({ status: 'running' })], undefined),
    ).toEqual({
      status: 'running',
      error: null,
    })
  })

  it('refuses a success that the steps deny, and any word against a finished task', () => {
    expect(() => taskStatusAfter(task, [step()], { status: 'success' })).toThrow(/all of its steps/)
    expect(() => taskStatusAfter({ ...task, status: 'success' }, [], { status: 'failed' })).toThrow(
      AppError,
    )
  })

  it('keeps the reason that is given', () => {
    expect(taskStatusAfter(task, [step()], { status: 'failed', error: 'no disk' })).toEqual({
      status: 'failed',
      error: 'no disk',
    })
  })
})
