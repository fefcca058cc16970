import { expect, it } from 'vitest'
import { refreshInterval } from './refresh-interval.ts'

const now = Date.UTC(2026, 0, 10)
const minute = 60_000
const ago = (minutes: number) => new Date(now - minutes * minute)
const interval = (githubStatus: string, started: number, updated = started) =>
  refreshInterval(
    { githubStatus, runStartedAt: ago(started), updatedAt: ago(updated) },
    { now, pollMs: minute },
  ) / minute

it('looks at what works with every poll, and at what waits less and less often', () => {
  expect(interval('in_progress', 1)).toBe(1)
  expect(interval('in_progress', 300)).toBe(1)
  expect(interval('in_progress', 400, 380)).toBe(38)
  expect(interval('queued', 2)).toBe(1)
  expect(interval('waiting', 200)).toBe(20)
  expect(interval('waiting', 200, 5)).toBe(1)
  expect(interval('waiting', 100_000)).toBe(60)
})
