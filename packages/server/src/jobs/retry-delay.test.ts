import { expect, it } from 'vitest'
import { retryDelayMs } from './retry-delay.ts'

it('doubles from a second to a minute', () => {
  expect([1, 2, 3, 6, 7, 5000].map(retryDelayMs)).toEqual([
    1000, 2000, 4000, 32_000, 60_000, 60_000,
  ])
})
