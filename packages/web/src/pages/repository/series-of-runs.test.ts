import { expect, it } from 'vitest'
import type { PipelineRun } from '@slipway/contract/pipelines'
import type { RunSummary } from '@slipway/contract/runs'
import { endedAtGithub, endedHere, seriesOfRuns } from './series-of-runs.ts'

const run = (status: RunSummary['status'], from: string, to: string | null) =>
  ({ status, started_at: from, completed_at: to }) as RunSummary

it('draws what ended, oldest first, those that failed apart', () => {
  const runs = [
    run('failed', '2026-01-01T00:02:00Z', '2026-01-01T00:02:30Z'),
    run('success', '2026-01-01T00:01:00Z', '2026-01-01T00:01:05Z'),
    run('cancelled', '2026-01-01T00:01:30Z', '2026-01-01T00:01:35Z'),
    run('running', '2026-01-01T00:03:00Z', null),
  ]
  const { times, series } = seriesOfRuns(runs.flatMap(endedHere))
  expect(times).toEqual([Date.UTC(2026, 0, 1, 0, 1) / 1000, Date.UTC(2026, 0, 1, 0, 2) / 1000])
  expect(series.map(({ label, values }) => [label, values])).toEqual([
    ['succeeded', [5, null]],
    ['failed', [null, 30]],
  ])
})

it('takes the durations of GitHub as they are, in seconds', () => {
  const created_at = '2026-01-01T00:00:00Z'
  const ended = (conclusion: string | null) =>
    endedAtGithub({ conclusion, created_at, duration: 12 } as PipelineRun)
  expect(ended('success')).toEqual([{ succeeded: true, at: Date.UTC(2026, 0, 1) / 1000, took: 12 }])
  expect(ended('timed_out')).toMatchObject([{ succeeded: false }])
  expect([ended('cancelled'), ended(null)]).toEqual([[], []])
})
