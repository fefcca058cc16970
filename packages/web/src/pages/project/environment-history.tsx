import { useQuery } from '@tanstack/react-query'
import type { DeploymentHistoryEntry } from '@slipway/contract/deployments'
import type { DeploymentPlace } from '@slipway/sdk'
import { useState } from 'react'
import { api } from '../../api/client.ts'
import { shortCommit } from '../../format/git.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'

const pageSize = 10

/** What one environment has had of a project, and the way back. */
export function EnvironmentHistory({
  place,
  onDeploy,
}: {
  place: DeploymentPlace
  onDeploy: (release: { releaseId: string; number: number }) => void
}) {
  const may = useMay()
  const [page, setPage] = useState(1)
  const history = useQuery({
    queryKey: ['deployments', place, page],
    queryFn: ({ signal }) =>
      api.deployments.history(
        place,
        { limit: pageSize, offset: (page - 1) * pageSize },
        { signal },
      ),
  })
  const columns: Column<DeploymentHistoryEntry>[] = [
    { title: 'Status', cell: (entry) => <Status value={entry.status} /> },
    {
      title: 'Release',
      cell: (entry) => (
        <span>
          #{entry.release_number}
          {entry.rollback && ' (back to it)'}
        </span>
      ),
    },
    { title: 'By', cell: (entry) => <span dir="auto">{entry.deployed_by}</span>, short: true },
    { title: 'Commit', cell: (entry) => <code>{shortCommit(entry.gitops_commit_sha)}</code> },
    { title: 'When', cell: (entry) => <TimeAgo at={entry.deployed_at} />, align: 'end' },
  ]
  if (may('deployments:create')) {
    columns.push({
      title: 'Go back',
      cell: (entry) =>
        entry.status === 'superseded' && (
          <Button
            size="small"
            onClick={() => onDeploy({ releaseId: entry.release_id, number: entry.release_number })}
          >
            Deploy #{entry.release_number} again
          </Button>
        ),
      align: 'end',
    })
  }
  return (
    <Card title={place.environment}>
      <QueryView query={history} lines={3}>
        {({ deployments, total }) =>
          deployments.length === 0 ? (
            <Empty title={`Nothing has been deployed to ${place.environment}.`} />
          ) : (
            <>
              <Table
                label={`Deployments to ${place.environment}`}
                columns={columns}
                rows={deployments}
                keyOf={(entry) => entry.id}
              />
              <Pager page={page} more={page * pageSize < total} onPage={setPage} />
            </>
          )
        }
      </QueryView>
    </Card>
  )
}
