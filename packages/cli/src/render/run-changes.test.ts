import { describe, expect, it } from 'vitest'
import { sampleRun } from '../../../../test/support/sample-run.ts'
import { describeRunChanges } from './run-changes.ts'

describe('describeRunChanges', () => {
  it('tells at first all that has happened', () => {
    expect(describeRunChanges(null, sampleRun())).toEqual([
      'run 00000000-0000-4000-8000-000000000001  created',
      'run 00000000-0000-4000-8000-000000000001  running',
      'check/api/lint  success  1.0s',
      'check/api/types  success  2.0s',
      'check/api  success',
      'check  success',
      'build  running',
      'build/api  running',
      'build/api/compile  running',
      'build/web/bundle  failed  1.0s  exit code 2',
      'build/web  failed',
    ])
  })

  it('tells then only what is new, and why the run ended', () => {
    const before = sampleRun()
    const after = sampleRun()
    after.phases[1]!.status = 'failed'
    after.status = 'failed'
    after.completed_at = '2026-01-01T00:00:12.000Z'
    after.message = 'build/web failed'
    expect(describeRunChanges(before, before)).toEqual([])
    expect(describeRunChanges(before, after)).toEqual([
      'build  failed',
      'run 00000000-0000-4000-8000-000000000001  failed  12.0s  build/web failed',
    ])
  })
})
