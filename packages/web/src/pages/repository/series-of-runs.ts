import type { PipelineRun } from '@slipway/contract/pipelines'
import type { RunSummary } from '@slipway/contract/runs'
import type { Series } from '../../ui/chart.tsx'

/** A run that has ended, as a chart shows it. */
export interface EndedRun {
  succeeded: boolean
  /** Seconds since 1970. */
  at: number
  /** Seconds. */
  took: number
}

/** None where it has not ended, or was cancelled. */
export function endedHere({ status, started_at: from, completed_at: to }: RunSummary): EndedRun[] {
  if (to === null || (status !== 'success' && status !== 'failed')) return []
  const at = Date.parse(from) / 1000
  return [{ succeeded: status === 'success', at, took: Date.parse(to) / 1000 - at }]
}

/** The same of GitHub Actions. */
export function endedAtGithub({ conclusion, created_at: at, duration }: PipelineRun): EndedRun[] {
  if (conclusion !== 'success' && conclusion !== 'failure' && conclusion !== 'timed_out') return []
  return [{ succeeded: conclusion === 'success', at: Date.parse(at) / 1000, took: duration }]
}

/** Seconds that each took, oldest first: those that succeeded and those that failed. */
export function seriesOfRuns(runs: readonly EndedRun[]): {
  times: number[]
  series: Series[]
} {
  const ended = runs.toSorted((a, b) => a.at - b.at)
  const took = (succeeded: boolean) =>
    ended.map((run) => (run.succeeded === succeeded ? run.took : null))
  return {
    times: ended.map(({ at }) => at),
    series: [
      { label: 'succeeded', colour: '--good', values: took(true), points: true },
      { label: 'failed', colour: '--bad', values: took(false), points: true },
    ],
  }
}
