import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import type { DelegatedJob, DelegationStatus } from '@slipway/contract/delegations'
import { api } from '../../api/client.ts'
import { formatDuration } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { RepositoryLink } from '../../ui/repository-link.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Duration, TimeAgo } from '../../ui/time.tsx'
import { Select } from '../../ui/select.tsx'
import { jobStatuses } from './jobs-search.ts'

const pageSize = 25

const columns: readonly Column<DelegatedJob>[] = [
  { title: 'Status', cell: (job) => <Status value={job.status} /> },
  {
    title: 'Job',
    cell: (job) => (
      <Link to="/jobs/$id" params={{ id: job.id }} dir="auto">
        {job.jobId ?? job.id}
      </Link>
    ),
  },
  { title: 'Repository', cell: (job) => <RepositoryLink repository={job.repository} /> },
  { title: 'Class', cell: (job) => job.metadata.runnerClass ?? '–', short: true },
  {
    title: 'Waited',
    cell: (job) => (job.metadata.queueMs === null ? '–' : formatDuration(job.metadata.queueMs)),
    align: 'end',
  },
  {
    title: 'Took',
    cell: (job) => <Duration from={job.startedAt} to={job.completedAt} />,
    align: 'end',
  },
  { title: 'Asked for', cell: (job) => <TimeAgo at={job.metadata.delegatedAt} />, align: 'end' },
]

/** Jobs, newest first. */
export function JobsTab({ status, page = 1 }: { status?: DelegationStatus; page?: number }) {
  const navigate = useNavigate()
  const query = { page, limit: pageSize, ...(status === undefined ? {} : { status }) }
  const jobs = useQuery({
    queryKey: ['jobs', query],
    queryFn: ({ signal }) => api.jobs.list(query, { signal }),
    placeholderData: keepPreviousData,
  })
  return (
    <Card
      title="Jobs"
      actions={
        <Select
          label="Status"
          value={status ?? ''}
          options={[['', 'every status'], ...jobStatuses.map((name) => [name, name] as const)]}
          onChange={(value) => {
            const chosen = jobStatuses.find((name) => name === value)
            void navigate({ to: '/jobs', search: chosen === undefined ? {} : { status: chosen } })
          }}
        />
      }
    >
      <QueryView query={jobs} lines={8}>
        {({ data, pagination }) =>
          data.length === 0 ? (
            <Empty
              title={
                status === undefined
                  ? 'No job has come yet.'
                  : `No job is ${status.replace('_', ' ')}.`
              }
            >
              <p>
                Jobs of GitHub Actions come here once a runner class has their labels; see{' '}
                <Link to="/jobs" search={{ tab: 'classes' }}>
                  the classes
                </Link>
                .
              </p>
            </Empty>
          ) : (
            <>
              <Table label="Jobs" columns={columns} rows={data} keyOf={(job) => job.id} />
              <Pager
                page={page}
                more={page < pagination.totalPages}
                onPage={(next) =>
                  void navigate({
                    to: '/jobs',
                    search: { page: next, ...(status === undefined ? {} : { status }) },
                  })
                }
              />
            </>
          )
        }
      </QueryView>
    </Card>
  )
}
