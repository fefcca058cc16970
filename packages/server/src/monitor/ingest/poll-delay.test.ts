import { expect, it } from 'vitest'
import type { GitHubFailure } from '../../ports/github.ts'
import { pollDelay } from './poll-delay.ts'

const delay = (reason: GitHubFailure, failures: number, retryAfterMs: number | null = null) =>
  pollDelay({ reason, retryAfterMs }, { failures, pollMs: 60_000, random: 0.5 }) / 1_000

it('waits longer the longer GitHub is away, and as long as GitHub says', () => {
  expect([1, 2, 3, 4, 50].map((failures) => delay('away', failures))).toEqual([
    60, 120, 240, 300, 300,
  ])
  expect([1, 2, 50].map((failures) => delay('refused', failures))).toEqual([120, 240, 900])
  expect([1, 2, 3, 50].map((failures) => delay('missing', failures))).toEqual([
    300, 480, 960, 3_600,
  ])
  expect(delay('limited', 9, 600_000)).toBe(630)
  expect(delay('limited', 1, 1_000)).toBe(90)
})
