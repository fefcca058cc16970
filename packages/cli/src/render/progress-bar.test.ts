import { describe, expect, it } from 'vitest'
import { formatBytes } from './format-bytes.ts'
import { renderProgress } from './progress-bar.ts'

const mebibyte = 1024 * 1024

describe('renderProgress', () => {
  it('says how much there is, how fast it comes, and how long it will take', () => {
    const progress = { done: 25 * mebibyte, total: 50 * mebibyte, gained: 25 * mebibyte }
    expect(renderProgress({ ...progress, spentMs: 5_000 }, 100)).toBe(
      '████████████░░░░░░░░░░░░   50%  25.0 MiB of 50.0 MiB  5.0 MiB/s  5.0s left',
    )
  })

  it('says no more than it knows: without a total, and in the first moments', () => {
    expect(renderProgress({ done: 2_048, total: null, gained: 2_048, spentMs: 1_000 }, 80)).toBe(
      '2.0 KiB  2.0 KiB/s',
    )
    expect(renderProgress({ done: 0, total: 100, gained: 0, spentMs: 10 }, 80)).toBe(
      '░░░░░░░░░░░░░░░░░░░░░░░░    0%  0 B of 100 B',
    )
  })

  it('counts only what came now towards the speed', () => {
    const resumed = { done: 90 * mebibyte, total: 100 * mebibyte, gained: 10 * mebibyte }
    expect(renderProgress({ ...resumed, spentMs: 1_000 }, 100)).toContain('10.0 MiB/s  1.0s left')
  })

  it('fits every terminal', () => {
    for (let columns = 24; columns < 100; columns++) {
      const progress = { done: 1, total: 3 * mebibyte, gained: 1, spentMs: 60_000 }
      expect(renderProgress(progress, columns).length).toBeLessThanOrEqual(columns)
    }
  })
})

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1_048_575, '1.0 MiB'],
    [52_428_800, '50.0 MiB'],
  ])('writes %d', (bytes, text) => expect(formatBytes(bytes)).toBe(text))
})
