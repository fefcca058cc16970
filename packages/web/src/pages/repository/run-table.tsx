import { Link } from '@tanstack/react-router'
import type { RunSummary } from '@slipway/contract/runs'
import { refName, shortCommit } from '../../format/git.ts'
import { Empty } from '../../ui/notice.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Duration, TimeAgo } from '../../ui/time.tsx'

const columns: readonly Column<RunSummary>[] = [
  { title: 'Status', cell: (run) => <Status value={run.status} /> },
  {
    title: 'Commit',
    cell: (run) => (
      <Link to="/runs/$id" params={{ id: run.id }}>
        <code>{shortCommit(run.commit_sha)}</code>
      </Link>
    ),
  },
  { title: 'Branch', cell: (run) => <span dir="auto">{refName(run.branch)}</span>, short: true },
  { title: 'By', cell: (run) => <span dir="auto">{run.triggered_by}</span>, short: true },
  { title: 'Started', cell: (run) => <TimeAgo at={run.started_at} />, align: 'end' },
  {
    title: 'Took',
    cell: (run) => <Duration from={run.started_at} to={run.completed_at} />,
    align: 'end',
  },
]

export function RunTable({
  runs,
  chosen,
  onChoose,
}: {
  runs: readonly RunSummary[]
  /** Ids of those to be compared. */
  chosen: readonly string[]
  onChoose: (id: string) => void
}) {
  if (runs.length === 0) {
    return (
      <Empty title="Nothing has run yet.">
        <p>Push a commit, or start a run.</p>
      </Empty>
    )
  }
  const compare: Column<RunSummary> = {
    title: 'Compare',
    cell: (run) => (
      <input
        type="checkbox"
        aria-label={`Compare ${shortCommit(run.commit_sha)}, ${run.status}`}
        checked={chosen.includes(run.id)}
        onChange={() => onChoose(run.id)}
      />
    ),
  }
  return <Table label="Runs" columns={[compare, ...columns]} rows={runs} keyOf={(run) => run.id} />
}
