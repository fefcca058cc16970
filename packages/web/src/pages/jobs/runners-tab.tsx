import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Runner } from '@slipway/contract/runners'
import { useState } from 'react'
import { api } from '../../api/client.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'

const pageSize = 50
/** Milliseconds between two looks: heartbeats announce nothing. */
const everyMs = 10_000

const columns: readonly Column<Runner>[] = [
  { title: 'Status', cell: (runner) => <Status value={runner.status} /> },
  { title: 'Runner', cell: (runner) => <span dir="auto">{runner.name}</span> },
  { title: 'Kind', cell: (runner) => runner.type, short: true },
  { title: 'Labels', cell: (runner) => <span dir="auto">{runner.labels.join(', ')}</span> },
  {
    title: 'Works on',
    cell: (runner) =>
      runner.jobId === null ? (
        '–'
      ) : (
        <Link to="/jobs/$id" params={{ id: runner.jobId }}>
          a job
        </Link>
      ),
  },
  { title: 'Heard of', cell: (runner) => <TimeAgo at={runner.lastHeartbeat} />, align: 'end' },
]

/** Whoever takes jobs: containers, proxies, GitHub's own list. */
export function RunnersTab() {
  const [page, setPage] = useState(1)
  const runners = useQuery({
    queryKey: ['runners', 'list', page],
    queryFn: ({ signal }) => api.runners.list({ page, limit: pageSize }, { signal }),
    refetchInterval: everyMs,
  })
  return (
    <Card title="Runners">
      <QueryView query={runners}>
        {({ data, pagination }) =>
          data.length === 0 ? (
            <Empty title="There is no runner.">
              <p>A container is one as long as its job runs.</p>
            </Empty>
          ) : (
            <>
              <Table label="Runners" columns={columns} rows={data} keyOf={(row) => row.id} />
              <Pager page={page} more={page < pagination.totalPages} onPage={setPage} />
            </>
          )
        }
      </QueryView>
    </Card>
  )
}
