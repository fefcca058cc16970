import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api } from '../../api/client.ts'
import { formatDuration } from '../../format/time.ts'
import { Chart } from '../../ui/chart.tsx'
import { Empty } from '../../ui/notice.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { seriesOfRuns } from './series-of-runs.ts'

/** How long the last runs took, here and at GitHub, and which of them failed. */
export function DurationChart({ repository }: { repository: string }) {
  const ours = useQuery({
    queryKey: ['runs', repository, 'chart'],
    queryFn: ({ signal }) => api.runs.list({ repository, limit: 100 }, { signal }),
  })
  const runs = useMemo(() => seriesOfRuns(ours.data?.runs ?? []), [ours.data])
  return (
    <QueryView query={ours}>
      {() =>
        runs.times.length < 2 ? (
          <Empty title="Two finished runs make a chart." />
        ) : (
          <Chart
            label={`Durations of the last ${runs.times.length} runs`}
            times={runs.times}
            series={runs.series}
            format={(value) => formatDuration(value * 1000)}
          />
        )
      }
    </QueryView>
  )
}
