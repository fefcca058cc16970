import { useMutation, useQuery } from '@tanstack/react-query'
import type { Worker } from '@slipway/contract/worker-api'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { useMay } from '../../session/session.ts'
import { Card } from '../../ui/card.tsx'
import { ConfirmButton } from '../../ui/confirm-button.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { useToast } from '../../ui/toast.tsx'

const pageSize = 25
/** Milliseconds between two looks: heartbeats announce nothing. */
const everyMs = 5_000

/** Slipway's own workers: in its servers, and on other machines. */
export function WorkersTab() {
  const may = useMay()
  const say = useToast()
  const [page, setPage] = useState(1)
  const workers = useQuery({
    queryKey: ['runners', 'workers', page],
    queryFn: ({ signal }) =>
      api.workers.list({ limit: pageSize, offset: (page - 1) * pageSize }, { signal }),
    refetchInterval: everyMs,
  })
  const drain = useMutation({
    mutationFn: (id: string) => api.workers.drain(id),
    onSuccess: () => say('good', 'It takes nothing new, and ends what it has.'),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: () => void workers.refetch(),
  })
  const columns: Column<Worker>[] = [
    { title: 'Worker', cell: (worker) => <strong dir="auto">{worker.name}</strong>, short: true },
    { title: 'Where', cell: (worker) => worker.kind, short: true },
    { title: 'Does', cell: (worker) => worker.types.join(', ') || 'nothing' },
    {
      title: 'In hand',
      cell: (worker) => `${worker.in_hand} of ${worker.capacity}`,
      align: 'end',
    },
    {
      title: 'State',
      cell: (worker) => (
        <Status
          value={worker.draining ? 'waiting' : 'online'}
          label={worker.draining ? 'draining' : 'takes jobs'}
        />
      ),
    },
    { title: 'Heard of', cell: (worker) => <TimeAgo at={worker.last_seen_at} />, align: 'end' },
  ]
  if (may('workers:manage')) {
    columns.push({
      title: 'Drain',
      align: 'end',
      cell: (worker) =>
        !worker.draining && (
          <ConfirmButton
            label="Drain"
            title={`Drain ${worker.name}?`}
            onConfirm={() => drain.mutate(worker.id)}
          >
            It takes no new jobs. One on another machine ends when those in hand are done.
          </ConfirmButton>
        ),
    })
  }
  return (
    <Card title="Workers">
      <QueryView query={workers}>
        {({ workers: rows, total }) =>
          rows.length === 0 ? (
            <Empty title="No worker is alive: jobs wait." />
          ) : (
            <>
              <Table label="Workers" columns={columns} rows={rows} keyOf={(row) => row.id} />
              <Pager page={page} more={page * pageSize < total} onPage={setPage} />
            </>
          )
        }
      </QueryView>
    </Card>
  )
}
