import { describe, expect, it } from 'vitest'
import { createJudge, type Delivery } from './judge-deliveries.ts'

const start = Date.UTC(2025, 0, 1)
/** One that ended so many minutes after the first, ten minutes after its commit. */
const delivery = (minute: number, succeeded: boolean, more: Partial<Delivery> = {}): Delivery => ({
  line: 'production api',
  succeeded,
  rollback: false,
  startedAt: new Date(start + (minute - 10) * 60_000),
  endedAt: new Date(start + minute * 60_000),
  ...more,
})

const judge = (deliveries: readonly Delivery[], days: number) => {
  const { add, measures } = createJudge()
  for (const delivery of deliveries) add(delivery)
  return measures(days)
}

describe('createJudge', () => {
  it('has nothing to say of nothing', () => {
    expect(judge([], 30)).toEqual({
      deployments: 0,
      deploymentFrequency: 0,
      leadTime: null,
      changeFailureRate: 0,
      timeToRestore: null,
    })
  })

  it('measures the four', () => {
    const deliveries = [
      delivery(0, true),
      delivery(60, false),
      // A second failure is the same outage.
      delivery(70, false),
      delivery(90, true),
    ]
    expect(judge(deliveries, 7)).toEqual({
      deployments: 2,
      deploymentFrequency: 0.29,
      leadTime: 600,
      changeFailureRate: 50,
      timeToRestore: 1800,
    })
  })

  it('restores each line by itself', () => {
    const other = { line: 'production web' }
    const deliveries = [
      delivery(10, false, other),
      delivery(20, false),
      delivery(30, true, other),
      delivery(100, true),
    ]
    // 20 minutes for one, 80 for the other.
    expect(judge(deliveries, 1).timeToRestore).toBe(3000)
  })

  it('takes a rollback for what restores, not for a change', () => {
    const deliveries = [
      delivery(0, true),
      delivery(60, false),
      delivery(65, true, { rollback: true }),
    ]
    expect(judge(deliveries, 1)).toMatchObject({
      deployments: 1,
      changeFailureRate: 50,
      timeToRestore: 300,
      leadTime: 600,
    })
  })
})
