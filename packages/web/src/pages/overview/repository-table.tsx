import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import type { OverviewRepository } from '@slipway/contract/overview'
import { api } from '../../api/client.ts'
import { refName, shortCommit } from '../../format/git.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { RepositoryLink } from '../../ui/repository-link.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'

const pageSize = 25

const columns: readonly Column<OverviewRepository>[] = [
  {
    title: 'Repository',
    cell: ({ repository }) => <RepositoryLink repository={repository} />,
  },
  {
    title: 'Last run',
    cell: ({ latest_run: run }) =>
      run === null ? (
        '–'
      ) : (
        <Link to="/runs/$id" params={{ id: run.id }}>
          <Status value={run.status} /> <code>{shortCommit(run.commit_sha)}</code>{' '}
          <span dir="auto">{refName(run.branch)}</span>
        </Link>
      ),
  },
  {
    title: 'GitHub Actions',
    cell: ({ latest_workflow: workflow }) =>
      workflow === null ? (
        '–'
      ) : (
        <a href={workflow.url} rel="noreferrer" target="_blank">
          <Status value={workflow.status} /> <span dir="auto">{workflow.name}</span>
        </a>
      ),
  },
  {
    title: 'Now',
    cell: ({ active_runs: active }) => (active === 0 ? '–' : `${active} active`),
    align: 'end',
  },
  {
    title: 'Last activity',
    cell: ({ last_activity_at: at }) => <TimeAgo at={at} />,
    align: 'end',
  },
]

/** Every repository, here and at GitHub, the last to do something first. */
export function RepositoryTable({ search, page }: { search: string | undefined; page: number }) {
  const navigate = useNavigate()
  const query = { limit: pageSize, offset: (page - 1) * pageSize, ...(search ? { search } : {}) }
  const repositories = useQuery({
    queryKey: ['overview', 'repositories', query],
    queryFn: ({ signal }) => api.overview.repositories(query, { signal }),
    placeholderData: keepPreviousData,
  })
  return (
    <Card
      title="Repositories"
      actions={
        <SearchField
          label="Search repositories"
          value={search ?? ''}
          onChange={(text) =>
            void navigate({ to: '.', search: text === '' ? {} : { search: text }, replace: true })
          }
        />
      }
    >
      <QueryView query={repositories} lines={8}>
        {({ repositories: rows, has_more: more }) =>
          rows.length === 0 ? (
            <NoRepositories searched={search !== undefined} />
          ) : (
            <>
              <Table
                label="Repositories"
                columns={columns}
                rows={rows}
                keyOf={(row) => row.repository}
              />
              <Pager
                page={page}
                more={more}
                onPage={(next) =>
                  void navigate({ to: '.', search: (old) => ({ ...old, page: next }) })
                }
              />
            </>
          )
        }
      </QueryView>
    </Card>
  )
}

function NoRepositories({ searched }: { searched: boolean }) {
  if (searched) return <Empty title="No repository has that in its name." />
  return (
    <Empty title="Nothing has run yet.">
      <p>
        Add a webhook at GitHub, or start a run: <code>slipway run start owner/name main</code>.
      </p>
      <a href="/docs">The API</a>
    </Empty>
  )
}
