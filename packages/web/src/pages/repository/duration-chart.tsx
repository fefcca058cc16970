import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api } from '../../api/client.ts'
import { formatDuration } from '../../format/time.ts'
import { Chart } from '../../ui/chart.tsx'
import { Empty } from '../../ui/notice.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { NotWatched } from './not-watched.tsx'
import { type EndedRun, endedAtGithub, endedHere, seriesOfRuns } from './series-of-runs.ts'

const most = 100

/** How long the last runs took here, and which of them failed. */
export function DurationChart({ repository }: { repository: string }) {
  const ours = useQuery({
    queryKey: ['runs', repository, 'chart'],
    queryFn: ({ signal }) => api.runs.list({ repository, limit: most }, { signal }),
  })
  return (
    <QueryView query={ours}>{({ runs }) => <Durations runs={runs.flatMap(endedHere)} />}</QueryView>
  )
}

/** The same of GitHub Actions. */
export function GithubDurationChart({ repository }: { repository: string }) {
  const history = useQuery({
    queryKey: ['pipelines', 'history', repository, 'chart'],
    queryFn: ({ signal }) => api.pipelines.history(repository, { per_page: most }, { signal }),
  })
  return (
    <QueryView query={history} missing={<NotWatched />}>
      {({ runs }) => <Durations runs={runs.flatMap(endedAtGithub)} />}
    </QueryView>
  )
}

function Durations({ runs }: { runs: readonly EndedRun[] }) {
  // A chart is drawn anew for new figures, not for new arrays of the same.
  const figures = JSON.stringify(runs)
  const { times, series } = useMemo(
    () => seriesOfRuns(JSON.parse(figures) as EndedRun[]),
    [figures],
  )
  if (times.length < 2) return <Empty title="Two finished runs make a chart." />
  return (
    <Chart
      label={`Durations of the last ${times.length} runs`}
      times={times}
      series={series}
      format={(value) => formatDuration(value * 1000)}
    />
  )
}
