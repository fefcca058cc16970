import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { PipelineRun } from '@slipway/contract/pipelines'
import { Play } from 'lucide-react'
import { useState } from 'react'
import { api } from '../../api/client.ts'
import { formatDuration } from '../../format/time.ts'
import { shortCommit } from '../../format/git.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { NotWatched } from './not-watched.tsx'
import type { ListOfRuns } from './our-runs.tsx'
import { TriggerDialog } from './trigger-dialog.tsx'

const pageSize = 25

const columns: readonly Column<PipelineRun>[] = [
  { title: 'Status', cell: (run) => <Status value={run.status} /> },
  {
    title: 'Workflow',
    short: true,
    cell: (run) => (
      <a href={run.url} rel="noreferrer" target="_blank" dir="auto">
        {run.name}
      </a>
    ),
  },
  {
    title: 'Commit',
    cell: (run) => (
      <span dir="auto">
        <code>{shortCommit(run.commit_sha)}</code> {run.commit_message.split('\n')[0]}
      </span>
    ),
  },
  { title: 'Branch', cell: (run) => <span dir="auto">{run.branch}</span>, short: true },
  { title: 'By', cell: (run) => <span dir="auto">{run.actor}</span>, short: true },
  { title: 'Started', cell: (run) => <TimeAgo at={run.created_at} />, align: 'end' },
  { title: 'Took', cell: (run) => formatDuration(run.duration * 1000), align: 'end' },
]

/** The repository's runs of GitHub Actions, newest first. */
export function GithubRuns({ repository, branch, page, onPage, onBranch }: ListOfRuns) {
  const may = useMay()
  const [starting, setStarting] = useState(false)
  const history = useQuery({
    queryKey: ['pipelines', 'history', repository, branch, page],
    queryFn: ({ signal }) =>
      api.pipelines.history(
        repository,
        { page, per_page: pageSize, ...(branch === undefined ? {} : { branch }) },
        { signal },
      ),
    placeholderData: keepPreviousData,
  })
  return (
    <Card
      title="GitHub Actions"
      actions={
        <>
          <SearchField label="Branch" value={branch ?? ''} onChange={onBranch} />
          {may('pipelines:trigger') && (
            <Button size="small" onClick={() => setStarting(true)}>
              <Play size={14} aria-hidden /> Start a workflow
            </Button>
          )}
        </>
      }
    >
      <QueryView query={history} lines={8} missing={<NotWatched />}>
        {({ runs, metadata }) =>
          runs.length === 0 ? (
            <Empty title="GitHub has run nothing here." />
          ) : (
            <>
              <Table
                label="Runs of GitHub Actions"
                columns={columns}
                rows={runs}
                keyOf={(run) => String(run.id)}
              />
              <Pager page={page} more={page * pageSize < metadata.total} onPage={onPage} />
            </>
          )
        }
      </QueryView>
      {starting && <TriggerDialog repository={repository} onClose={() => setStarting(false)} />}
    </Card>
  )
}
