import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { useState } from 'react'
import { api } from '../../api/client.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { RunTable } from './run-table.tsx'
import { StartRunDialog } from './start-run-dialog.tsx'

const pageSize = 25

export interface ListOfRuns {
  repository: string
  branch: string | undefined
  page: number
  onPage: (page: number) => void
  onBranch: (branch: string) => void
}

/** Slipway's own runs of the repository, newest first; two of them can be compared. */
export function OurRuns({ repository, branch, page, onPage, onBranch }: ListOfRuns) {
  const may = useMay()
  const [starting, setStarting] = useState(false)
  const [chosen, setChosen] = useState<readonly string[]>([])
  const runs = useQuery({
    queryKey: ['runs', repository, branch, page],
    queryFn: ({ signal }) =>
      api.runs.list(
        {
          repository,
          limit: pageSize,
          offset: (page - 1) * pageSize,
          ...(branch === undefined ? {} : { branch }),
        },
        { signal },
      ),
    placeholderData: keepPreviousData,
  })
  const choose = (id: string) =>
    setChosen((old) =>
      old.includes(id) ? old.filter((one) => one !== id) : [...old, id].slice(-2),
    )
  const [left, right] = chosen
  return (
    <Card
      title="Runs"
      actions={
        <>
          {left !== undefined && right !== undefined && (
            <Link to="/compare" search={{ left, right }}>
              Compare the two
            </Link>
          )}
          <SearchField label="Branch" value={branch ?? ''} onChange={onBranch} />
          {may('runs:create') && (
            <Button size="small" onClick={() => setStarting(true)}>
              <Play size={14} aria-hidden /> Start a run
            </Button>
          )}
        </>
      }
    >
      <QueryView query={runs} lines={8}>
        {({ runs: rows, total }) => (
          <>
            <RunTable runs={rows} chosen={chosen} onChoose={choose} />
            <Pager page={page} more={page * pageSize < total} onPage={onPage} />
          </>
        )}
      </QueryView>
      {starting && <StartRunDialog repository={repository} onClose={() => setStarting(false)} />}
    </Card>
  )
}
