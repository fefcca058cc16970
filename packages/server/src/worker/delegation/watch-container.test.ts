import { expect, it } from 'vitest'
import { judge } from './watch-container.ts'

const exit = {
  exitCode: 0,
  outOfMemory: false,
  interrupted: false,
  mayNotHaveRun: false,
  endedAt: new Date(),
}

it.each([
  [exit, null, 'completed', null],
  [{ ...exit, exitCode: 3 }, null, 'failed', null],
  [{ ...exit, exitCode: 137, outOfMemory: true }, null, 'failed', 'out of memory'],
  // A child that was killed for its memory is not the end of a job that goes on.
  [{ ...exit, outOfMemory: true }, null, 'completed', null],
  [{ ...exit, interrupted: true }, null, 'completed', null],
  [
    { ...exit, exitCode: 137, interrupted: true },
    null,
    'failed',
    'the container engine was restarted',
  ],
  [exit, 'timeout', 'failed', 'timeout'],
] as const)('judges %j with cause %s as %s', (ended, cause, status, reason) => {
  expect(judge(ended, cause)).toEqual({ status, exitCode: ended.exitCode, reason })
})
