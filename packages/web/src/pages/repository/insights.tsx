import { useQuery } from '@tanstack/react-query'
import type { PipelineInsightsResponse } from '@slipway/contract/pipeline-insights'
import { useState } from 'react'
import { api } from '../../api/client.ts'
import { loadPart } from '../../api/load-part.ts'
import { formatDuration } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { Figures } from '../../ui/figures.tsx'
import { Empty } from '../../ui/notice.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Table } from '../../ui/table.tsx'
import styles from './insights.module.css'
import { NotWatched } from './not-watched.tsx'

const ranges = [
  ['24h', 'Day'],
  ['7d', 'Week'],
  ['30d', 'Month'],
  ['90d', 'Three months'],
] as const

const seconds = (value: number | null) => (value === null ? '–' : formatDuration(value * 1000))
const percent = (value: number) => `${value.toFixed(value % 1 === 0 ? 0 : 1)} %`

/** How often the repository's workflows succeed, how long they take and wait, and what is flaky. */
export function Insights({ repository }: { repository: string }) {
  const [timeRange, setTimeRange] = useState<string>('30d')
  const query = { repository, timeRange }
  const metrics = useQuery({
    queryKey: ['pipelines', 'metrics', query],
    queryFn: ({ signal }) => api.pipelines.metrics(query, { signal }),
  })
  const insights = useQuery({
    queryKey: ['pipelines', 'insights', query],
    queryFn: ({ signal }) => api.pipelines.insights(query, { signal }),
  })
  const charts = useQuery({
    queryKey: ['part', 'duration-chart'],
    queryFn: () => loadPart(() => import('./duration-chart.tsx')),
    structuralSharing: false,
  })
  const watched = Object.values(metrics.data?.metrics ?? {}).some(({ total }) => total > 0)
  return (
    <>
      <fieldset className={styles.ranges}>
        <legend className="visually-hidden">Time</legend>
        {ranges.map(([range, label]) => (
          <label key={range}>
            <input
              type="radio"
              name="range"
              checked={timeRange === range}
              onChange={() => setTimeRange(range)}
            />
            {label}
          </label>
        ))}
      </fieldset>
      <Card title="Runs of GitHub Actions">
        <QueryView query={metrics} missing={<NotWatched />}>
          {({ metrics: byName }) => {
            const found = byName[repository] ?? Object.values(byName)[0]
            if (found === undefined || found.total === 0) {
              return <Empty title="GitHub has run nothing here in that time." />
            }
            return (
              <Figures
                figures={[
                  { label: 'Runs', value: found.total },
                  { label: 'Succeeded', value: percent(found.successRate) },
                  { label: 'Failed', value: found.failed },
                  { label: 'Took (median)', value: seconds(found.medianDuration) },
                  { label: 'Took (mean)', value: seconds(found.averageDuration) },
                ]}
              />
            )
          }}
        </QueryView>
      </Card>
      {watched && (
        <Card title="Durations at GitHub">
          <QueryView query={charts}>
            {({ GithubDurationChart }) => <GithubDurationChart repository={repository} />}
          </QueryView>
        </Card>
      )}
      <Card title="Durations of the last runs here">
        <QueryView query={charts}>
          {({ DurationChart }) => <DurationChart repository={repository} />}
        </QueryView>
      </Card>
      <QueryView query={insights} missing={null}>
        {(data) => <Tables data={data} />}
      </QueryView>
    </>
  )
}

function Tables({ data }: { data: PipelineInsightsResponse }) {
  const measures = Object.values(data.dora)[0]
  return (
    <>
      {measures !== undefined && (
        <Card title="Delivery">
          <Figures
            figures={[
              { label: 'Deployments a day', value: measures.deploymentFrequency },
              { label: 'Lead time', value: seconds(measures.leadTime) },
              { label: 'Changes that fail', value: percent(measures.changeFailureRate) },
              { label: 'Time to restore', value: seconds(measures.timeToRestore) },
            ]}
          />
        </Card>
      )}
      <Card title="Workflows">
        <Table
          label="Workflows"
          rows={data.workflows}
          keyOf={(row) => String(row.workflowId)}
          columns={[
            { title: 'Workflow', cell: (row) => <span dir="auto">{row.workflowName}</span> },
            { title: 'Runs', cell: (row) => row.runs, align: 'end' },
            { title: 'p50', cell: (row) => seconds(row.durationP50), align: 'end' },
            { title: 'p95', cell: (row) => seconds(row.durationP95), align: 'end' },
            { title: 'Queue p50', cell: (row) => seconds(row.queueTimeP50), align: 'end' },
            { title: 'Queue p95', cell: (row) => seconds(row.queueTimeP95), align: 'end' },
          ]}
        />
      </Card>
      <Card title="Slowest jobs">
        <Table
          label="Slowest jobs"
          rows={data.slowestJobs}
          keyOf={(row) => `${row.workflowName} ${row.job}`}
          columns={[
            { title: 'Job', cell: (row) => <span dir="auto">{row.job}</span> },
            { title: 'Workflow', cell: (row) => <span dir="auto">{row.workflowName}</span> },
            { title: 'p50', cell: (row) => seconds(row.durationP50), align: 'end' },
            { title: 'p95', cell: (row) => seconds(row.durationP95), align: 'end' },
          ]}
        />
      </Card>
      <Card title="Flaky jobs">
        {data.flakiestJobs.length === 0 ? (
          <Empty title="No job failed and then succeeded on the same commit." />
        ) : (
          <Table
            label="Flaky jobs"
            rows={data.flakiestJobs}
            keyOf={(row) => `${row.workflowName} ${row.job}`}
            columns={[
              { title: 'Job', cell: (row) => <span dir="auto">{row.job}</span> },
              { title: 'Workflow', cell: (row) => <span dir="auto">{row.workflowName}</span> },
              { title: 'Commits', cell: (row) => row.commits, align: 'end' },
              { title: 'Flaky on', cell: (row) => row.flakes, align: 'end' },
              { title: 'Rate', cell: (row) => percent(row.flakeRate), align: 'end' },
            ]}
          />
        )}
      </Card>
    </>
  )
}
