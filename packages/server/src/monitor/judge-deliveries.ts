import type { DoraMeasures } from '@slipway/contract/pipeline-insights'
import { medianOf, percentOf, roundTo } from './round-figures.ts'

/** One change on its way to where it is used: a deployment, or a run that stands for one. */
export interface Delivery {
  /** What follows what: an environment and project, or a workflow and branch. */
  line: string
  succeeded: boolean
  /** It brought an older state back: no change, but whatever was broken is restored. */
  rollback: boolean
  /** When its commit came, as far as we know. */
  startedAt: Date
  endedAt: Date
}

/** Judges the deliveries of one repository. */
export interface Judge {
  /** Takes the next delivery: they must come in the order in which they ended. */
  add(delivery: Delivery): void
  /** The measures of those so far, in so many days. */
  measures(days: number): Omit<DoraMeasures, 'source'>
}

/**
 * Lead time is from the commit to the end of a success; what is broken is restored by the next success of
 * its line. Medians.
 */
export function createJudge(): Judge {
  const leads: number[] = []
  const restores: number[] = []
  const brokenSince = new Map<string, number>()
  let failed = 0
  let changes = 0
  return {
    add({ line, succeeded, rollback, startedAt, endedAt }) {
      const end = endedAt.getTime()
      if (!rollback) changes += 1
      if (!succeeded) {
        if (!rollback) failed += 1
        if (!brokenSince.has(line)) brokenSince.set(line, end)
        return
      }
      if (!rollback) leads.push(Math.max(0, end - startedAt.getTime()) / 1000)
      const since = brokenSince.get(line)
      if (since === undefined) return
      restores.push((end - since) / 1000)
      brokenSince.delete(line)
    },
    measures: (days) => ({
      deployments: leads.length,
      deploymentFrequency: roundTo(2, leads.length / days),
      leadTime: wholeMedian(leads),
      changeFailureRate: percentOf(failed, changes),
      timeToRestore: wholeMedian(restores),
    }),
  }
}

function wholeMedian(seconds: readonly number[]): number | null {
  const median = medianOf(seconds)
  return median === null ? null : Math.round(median)
}
