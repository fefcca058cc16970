import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import type { Build, BuildStatus } from '@slipway/contract/builds'
import { api } from '../../api/client.ts'
import { shortCommit } from '../../format/git.ts'
import { useMay } from '../../session/session.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Select } from '../../ui/select.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Duration, TimeAgo } from '../../ui/time.tsx'
import { buildStatuses } from './builds-search.ts'

const pageSize = 25

const columns: readonly Column<Build>[] = [
  { title: 'Status', cell: (build) => <Status value={build.status} /> },
  {
    title: 'Build',
    cell: (build) => (
      <Link to="/builds/$id" params={{ id: String(build.id) }}>
        #{build.id}
      </Link>
    ),
  },
  { title: 'Of', cell: (build) => <span dir="auto">{build.repository_info.name}</span> },
  {
    title: 'Commit',
    cell: (build) => (
      <span dir="auto">
        {build.ref ?? 'default'}{' '}
        {build.commit_sha !== null && <code>{shortCommit(build.commit_sha)}</code>}
      </span>
    ),
  },
  { title: 'Makes', cell: (build) => build.output_type.replace('_', ' '), short: true },
  { title: 'By', cell: (build) => <span dir="auto">{build.created_by}</span>, short: true },
  { title: 'Made', cell: (build) => <TimeAgo at={build.started_at} />, align: 'end' },
  {
    title: 'Took',
    cell: (build) => <Duration from={build.executed_at} to={build.completed_at} />,
    align: 'end',
  },
]

/** Builds, newest first. */
export function BuildsTab({ status, page = 1 }: { status?: BuildStatus; page?: number }) {
  const may = useMay()
  const navigate = useNavigate()
  const filter = status === undefined ? {} : { status }
  const query = { ...filter, limit: pageSize, offset: (page - 1) * pageSize }
  const builds = useQuery({
    queryKey: ['builds', 'list', query],
    queryFn: ({ signal }) => api.builds.list(query, { signal }),
    placeholderData: keepPreviousData,
  })
  return (
    <Card
      title="Builds"
      actions={
        <Select
          label="Status"
          value={status ?? ''}
          options={[['', 'every status'], ...buildStatuses.map((name) => [name, name] as const)]}
          onChange={(value) => {
            const chosen = buildStatuses.find((name) => name === value)
            void navigate({ to: '/builds', search: chosen === undefined ? {} : { status: chosen } })
          }}
        />
      }
    >
      <QueryView query={builds} lines={8}>
        {({ runs, total }) =>
          runs.length === 0 ? (
            <Empty
              title={
                status === undefined ? 'Nothing has been built yet.' : `No build is ${status}.`
              }
            >
              {may('builds:create') && <Link to="/builds/new">Make one</Link>}
            </Empty>
          ) : (
            <>
              <Table label="Builds" columns={columns} rows={runs} keyOf={(row) => String(row.id)} />
              <Pager
                page={page}
                more={page * pageSize < total}
                onPage={(next) =>
                  void navigate({ to: '/builds', search: { ...filter, page: next } })
                }
              />
            </>
          )
        }
      </QueryView>
    </Card>
  )
}
