import type { RunSummary } from '@slipway/contract/runs'
import type { Series } from '../../ui/chart.tsx'

/** Seconds that each finished run took, oldest first: those that succeeded and those that failed. */
export function seriesOfRuns(runs: readonly RunSummary[]): {
  times: number[]
  series: Series[]
} {
  const ended = runs
    .flatMap(({ status, started_at: from, completed_at: to }) =>
      to === null || status === 'cancelled'
        ? []
        : [
            {
              status,
              at: Date.parse(from) / 1000,
              took: (Date.parse(to) - Date.parse(from)) / 1000,
            },
          ],
    )
    .toSorted((a, b) => a.at - b.at)
  const took = (status: string) => ended.map((run) => (run.status === status ? run.took : null))
  return {
    times: ended.map(({ at }) => at),
    series: [
      { label: 'succeeded', colour: '--good', values: took('success'), points: true },
      { label: 'failed', colour: '--bad', values: took('failed'), points: true },
    ],
  }
}
