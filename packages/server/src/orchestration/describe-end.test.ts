import { describe, expect, it } from 'vitest'
import { describeEnd } from './describe-end.ts'

describe('describeEnd', () => {
  it('names the steps that failed of themselves', () => {
    const failures = [
      { step: 'walk', message: "child 'run-123' failed" },
      { step: 'dispatch(0)', message: 'Error (exit code 124)' },
    ]
    expect(describeEnd({ status: 'Failed', message: 'child failed', failures })).toBe(
      'The workflow ended as Failed: dispatch(0): Error (exit code 124)',
    )
  })

  it('tells what the workflow says where no step says more', () => {
    expect(describeEnd({ status: 'Error', message: 'no such template' })).toBe(
      'The workflow ended as Error: no such template',
    )
    expect(describeEnd({ status: 'Error', failures: [{ step: 'a', message: '' }] })).toBe(
      'The workflow ended as Error',
    )
  })

  it('does not call a success a failure', () => {
    expect(describeEnd({ status: 'Succeeded' })).toBe('The workflow ended before its run had')
  })

  it('keeps it short, however much there is', () => {
    const failures = Array.from({ length: 9 }, () => ({ step: 's', message: 'x'.repeat(2_000) }))
    expect(describeEnd({ status: 'Failed', failures })).toHaveLength(2_000)
  })
})
