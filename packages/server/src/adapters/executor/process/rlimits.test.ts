import { describe, expect, it } from 'vitest'
import { describeLimits, rlimitPrefix } from './rlimits.ts'

describe('rlimitPrefix', () => {
  const limits = { memoryBytes: 1000, pids: 5 }

  it('limits what no control group does', () => {
    expect(rlimitPrefix('/p', limits, new Set())).toEqual(['/p', '--data=1000', '--nproc=5', '--'])
    expect(rlimitPrefix('/p', limits, new Set(['memory']))).toEqual(['/p', '--nproc=5', '--'])
  })

  it('puts nothing before a command that needs no limit', () => {
    expect(rlimitPrefix('/p', limits, new Set(['memory', 'pids']))).toEqual([])
    expect(rlimitPrefix('/p', { memoryBytes: null, pids: null }, new Set())).toEqual([])
    expect(rlimitPrefix(null, limits, new Set())).toEqual([])
  })
})

describe('describeLimits', () => {
  it('says what holds for the tree and what does not', () => {
    const all = { version: 2, controllers: new Set(['memory', 'pids', 'cpu'] as const) } as const
    expect(describeLimits(all, '/p', null)).toBe('memory, pids, cpu limited by cgroup v2')
    expect(describeLimits(null, '/p', 'read-only')).toBe(
      'memory, pids limited for each process only (rlimits); cpu not limited: read-only',
    )
    expect(describeLimits(null, null, null)).toBe('memory, pids not limited; cpu not limited')
  })
})
