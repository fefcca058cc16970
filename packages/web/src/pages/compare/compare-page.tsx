import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { Run } from '@slipway/contract/runs'
import { api, isStatus } from '../../api/client.ts'
import { MissingPage } from '../../app/error-pages.tsx'
import { refName, shortCommit } from '../../format/git.ts'
import { formatDuration } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { Page } from '../../ui/page.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Status } from '../../ui/status.tsx'
import { Table } from '../../ui/table.tsx'
import { Duration, TimeAgo } from '../../ui/time.tsx'
import { type ComparedStep, compareRuns } from './compare-runs.ts'

const route = getRouteApi('/inside/compare')

/** Two runs step by step: what ended otherwise, and what took longer. */
export function ComparePage() {
  const { left, right } = route.useSearch()
  const useRun = (id: string) =>
    useQuery({ queryKey: ['run', id], queryFn: ({ signal }) => api.runs.get(id, { signal }) })
  const one = useRun(left)
  const other = useRun(right)
  if (isStatus(one.error, 404) || isStatus(other.error, 404)) return <MissingPage />
  return (
    <Page title="Two runs compared">
      <QueryView query={one}>
        {(first) => (
          <QueryView query={other}>
            {(second) => <Compared left={first} right={second} />}
          </QueryView>
        )}
      </QueryView>
    </Page>
  )
}

function Compared({ left, right }: { left: Run; right: Run }) {
  return (
    <>
      <Card title="Runs">
        <Table
          label="Runs"
          rows={[left, right]}
          keyOf={(run) => run.id}
          columns={[
            {
              title: 'Run',
              cell: (run) => (
                <Link to="/runs/$id" params={{ id: run.id }}>
                  <code>{shortCommit(run.commit_sha)}</code>
                </Link>
              ),
            },
            { title: 'Branch', cell: (run) => <span dir="auto">{refName(run.branch)}</span> },
            { title: 'Status', cell: (run) => <Status value={run.status} /> },
            { title: 'Started', cell: (run) => <TimeAgo at={run.started_at} />, align: 'end' },
            {
              title: 'Took',
              cell: (run) => <Duration from={run.started_at} to={run.completed_at} />,
              align: 'end',
            },
          ]}
        />
      </Card>
      <Card title="Steps">
        <Table
          label="Steps"
          rows={compareRuns(left, right)}
          keyOf={(row) => `${row.phase} ${row.project} ${row.step}`}
          columns={[
            {
              title: 'Step',
              cell: (row) => (
                <span dir="auto">
                  {row.phase} · {row.project} · <strong>{row.step}</strong>
                </span>
              ),
            },
            {
              title: `First, ${shortCommit(left.commit_sha)}`,
              cell: (row) => <Side side={row.left} />,
            },
            {
              title: `Second, ${shortCommit(right.commit_sha)}`,
              cell: (row) => <Side side={row.right} />,
            },
            { title: 'Difference', cell: (row) => <Difference row={row} />, align: 'end' },
          ]}
        />
      </Card>
    </>
  )
}

function Side({ side }: { side: ComparedStep['left'] }) {
  if (side === null) return <span>not there</span>
  return (
    <span>
      <Status value={side.status} /> {side.tookMs === null ? '' : formatDuration(side.tookMs)}
    </span>
  )
}

function Difference({ row }: { row: ComparedStep }) {
  const ms = row.differenceMs
  if (ms === null) return '–'
  return `${ms < 0 ? '−' : '+'}${formatDuration(Math.abs(ms))}`
}
