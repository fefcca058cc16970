import { describe, expect, it } from 'vitest'
import { limitWrites, parseOomKills } from './cgroup-limits.ts'

const limits = { memoryBytes: 1024.5, pids: 9, cpus: 1.5 }
const none = { memoryBytes: null, pids: null, cpus: null }
const written = (...args: Parameters<typeof limitWrites>) =>
  limitWrites(...args).map(({ file, value }) => [file, value])

describe('limitWrites', () => {
  it('limits memory with swap, so that swap is no way around', () => {
    expect(written(1, 'memory', limits)).toEqual([
      ['memory.limit_in_bytes', '1024'],
      ['memory.memsw.limit_in_bytes', '1024'],
    ])
    expect(written(2, 'memory', limits)).toEqual([
      ['memory.max', '1024'],
      ['memory.swap.max', '0'],
    ])
  })

  it('limits processes', () => {
    expect(written(1, 'pids', limits)).toEqual([['pids.max', '9']])
    expect(written(2, 'pids', limits)).toEqual([['pids.max', '9']])
  })

  it('limits processor time, in fractions, to no less than the kernel takes', () => {
    expect(written(1, 'cpu', limits)).toEqual([
      ['cpu.cfs_period_us', '100000'],
      ['cpu.cfs_quota_us', '150000'],
    ])
    expect(written(2, 'cpu', limits)).toEqual([['cpu.max', '150000 100000']])
    expect(written(2, 'cpu', { ...none, cpus: 0.0001 })).toEqual([['cpu.max', '1000 100000']])
  })

  it.each(['memory', 'pids', 'cpu'] as const)('writes nothing of %s without a limit', (each) => {
    expect(written(1, each, none)).toEqual([])
    expect(written(2, each, none)).toEqual([])
  })
})

describe('parseOomKills', () => {
  it('reads both versions', () => {
    expect(parseOomKills('oom_kill_disable 0\nunder_oom 0\noom_kill 3\n')).toBe(3)
    expect(parseOomKills('low 0\nhigh 0\nmax 4\noom 5\noom_kill 2\noom_group_kill 0\n')).toBe(2)
    expect(parseOomKills('')).toBe(0)
  })
})
