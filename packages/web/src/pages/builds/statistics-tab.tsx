import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { buildSteps } from '@slipway/contract/builds'
import { api } from '../../api/client.ts'
import { Card } from '../../ui/card.tsx'
import { Figures } from '../../ui/figures.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Select } from '../../ui/select.tsx'
import { Table } from '../../ui/table.tsx'

const periods = [
  ['1', 'a day'],
  ['7', 'a week'],
  ['30', 'a month'],
  ['365', 'a year'],
] as const

/** How many builds there were, how many succeeded, and what they did. */
export function StatisticsTab() {
  const [days, setDays] = useState('30')
  const statistics = useQuery({
    queryKey: ['builds', 'statistics', days],
    queryFn: ({ signal }) => api.builds.statistics({ days: Number(days) }, { signal }),
    placeholderData: keepPreviousData,
  })
  return (
    <Card
      title="Statistics"
      actions={<Select label="Time" value={days} options={periods} onChange={setDays} />}
    >
      <QueryView query={statistics}>
        {(figures) => (
          <>
            <Figures
              figures={[
                { label: 'Builds', value: figures.total_runs },
                { label: 'Succeeded', value: `${figures.success_rate} %` },
                { label: 'Failed', value: figures.failed_runs },
                { label: 'Running', value: figures.running_runs },
                { label: 'Waiting', value: figures.pending_runs },
                { label: 'Outputs', value: figures.total_build_outputs },
              ]}
            />
            <Table
              label="Steps"
              rows={buildSteps}
              keyOf={({ key }) => key}
              columns={[
                { title: 'Step', cell: ({ name }) => name },
                {
                  title: 'Builds',
                  cell: ({ key }) => figures.step_usage[key] ?? 0,
                  align: 'end',
                },
              ]}
            />
          </>
        )}
      </QueryView>
    </Card>
  )
}
