import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import type { BoardCell, BoardProject } from '@slipway/contract/overview'
import { useState } from 'react'
import { api } from '../../api/client.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import styles from './board-page.module.css'
import { DeployDialog } from './deploy-dialog.tsx'

const route = getRouteApi('/inside/board')
const pageSize = 25

interface Opened {
  project: BoardProject
  environment: string
  releaseId: string
  number: number
}

/** What is where: projects by environments, and what may go further. */
export function BoardPage() {
  const { search, page = 1 } = route.useSearch()
  const navigate = useNavigate()
  const [opened, setOpened] = useState<Opened | null>(null)
  const query = { limit: pageSize, offset: (page - 1) * pageSize, ...(search ? { search } : {}) }
  const board = useQuery({
    queryKey: ['board', query],
    queryFn: ({ signal }) => api.overview.board(query, { signal }),
    placeholderData: keepPreviousData,
  })
  return (
    <Page
      title="Releases"
      subtitle="What is where, and what may go further"
      actions={
        <SearchField
          label="Search projects"
          value={search ?? ''}
          onChange={(text) =>
            void navigate({
              to: '/board',
              search: text === '' ? {} : { search: text },
              replace: true,
            })
          }
        />
      }
    >
      <Card>
        <QueryView query={board} lines={8}>
          {({ environments, projects, has_more: more }) =>
            projects.length === 0 ? (
              <Empty title="There is no release yet.">
                <p>
                  A run makes one where a project’s <code>release</code> says so.
                </p>
              </Empty>
            ) : (
              <>
                <Table
                  label="Releases by environment"
                  columns={columnsOf(environments, setOpened)}
                  rows={projects}
                  keyOf={(row) => `${row.repository} ${row.project}`}
                />
                <Pager
                  page={page}
                  more={more}
                  onPage={(next) =>
                    void navigate({ to: '/board', search: (old) => ({ ...old, page: next }) })
                  }
                />
              </>
            )
          }
        </QueryView>
      </Card>
      {opened !== null && (
        <DeployDialog
          releaseId={opened.releaseId}
          title={`${opened.project.project} #${opened.number}`}
          environment={opened.environment}
          onClose={() => setOpened(null)}
        />
      )}
    </Page>
  )
}

function columnsOf(
  environments: readonly string[],
  open: (opened: Opened) => void,
): Column<BoardProject>[] {
  return [
    {
      title: 'Project',
      cell: (row) => (
        <span className={styles.project}>
          <Link to="/releases/$" params={{ _splat: `${row.repository}/${row.project}` }} dir="auto">
            {row.project}
          </Link>
          <small>{row.repository}</small>
        </span>
      ),
    },
    {
      title: 'Newest',
      cell: ({ newest }) =>
        newest === null ? (
          '–'
        ) : (
          <span className={styles.project}>
            <strong>#{newest.release_number}</strong>
            <small>
              <TimeAgo at={newest.created_at} />
            </small>
          </span>
        ),
    },
    ...environments.map((environment): Column<BoardProject> => ({
      title: environment,
      cell: (project) => <Cell project={project} environment={environment} open={open} />,
    })),
  ]
}

function Cell({
  project,
  environment,
  open,
}: {
  project: BoardProject
  environment: string
  open: (opened: Opened) => void
}) {
  const may = useMay()
  const verb = may('deployments:create') ? 'Deploy' : 'Compare'
  const { newest } = project
  const cells = project.cells.filter((cell) => cell.environment === environment)
  const latest = Math.max(0, ...cells.map((cell) => cell.release_number))
  return (
    <span className={styles.cell}>
      {cells.length === 0 && <span className={styles.nothing}>nothing</span>}
      {cells.map((cell) => (
        <Deployed key={cell.deployment_id} cell={cell} />
      ))}
      {newest !== null && latest < newest.release_number && (
        <Button
          size="small"
          aria-label={`${verb} ${project.project} #${newest.release_number} to ${environment}`}
          onClick={() =>
            open({ project, environment, releaseId: newest.id, number: newest.release_number })
          }
        >
          {verb} #{newest.release_number}
        </Button>
      )}
    </span>
  )
}

function Deployed({ cell }: { cell: BoardCell }) {
  return (
    <span className={styles.deployed} title={cell.reason ?? `by ${cell.deployed_by}`}>
      <Status value={cell.status} label={`#${cell.release_number}`} />
      <small>
        <TimeAgo at={cell.deployed_at} />
      </small>
    </span>
  )
}
