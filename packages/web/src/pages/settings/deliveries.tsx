import { useMutation, useQuery } from '@tanstack/react-query'
import type { Delivery } from '@slipway/contract/webhooks'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/notice.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Milliseconds between two looks: attempts announce nothing. */
const everyMs = 3000
const pageSize = 25

/** What became of the deliveries of a webhook, newest first, and another try. */
export function Deliveries({ webhookId }: { webhookId: string }) {
  const may = useMay()
  const say = useToast()
  const [before, setBefore] = useState<number | null>(null)
  const deliveries = useQuery({
    queryKey: ['settings', 'webhooks', 'deliveries', webhookId, before],
    queryFn: ({ signal }) =>
      api.webhooks.deliveries(
        webhookId,
        { limit: pageSize, ...(before === null ? {} : { before }) },
        { signal },
      ),
    refetchInterval: everyMs,
  })
  const redeliver = useMutation({
    mutationFn: (id: string) => api.webhooks.redeliver(webhookId, id),
    onSuccess: () => say('good', 'It is sent once more.'),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: () => void deliveries.refetch(),
  })
  const columns: Column<Delivery>[] = [
    { title: 'Event', cell: (delivery) => <code>{delivery.event_type}</code> },
    {
      title: 'State',
      cell: (delivery) => (
        <Status
          value={{ delivered: 'success', dead: 'failed', pending: 'pending' }[delivery.status]}
          label={delivery.status}
        />
      ),
    },
    {
      title: 'Answer',
      cell: (delivery) => delivery.response_status ?? delivery.error ?? '–',
    },
    { title: 'Attempts', cell: (delivery) => delivery.attempt_count, align: 'end' },
    { title: 'When', cell: (delivery) => <TimeAgo at={delivery.created_at} />, align: 'end' },
  ]
  if (may('webhooks:manage')) {
    columns.push({
      title: 'Again',
      align: 'end',
      cell: (delivery) =>
        delivery.status !== 'pending' && (
          <Button size="small" onClick={() => redeliver.mutate(delivery.id)}>
            Send again
          </Button>
        ),
    })
  }
  return (
    <Card title="Deliveries">
      <QueryView query={deliveries}>
        {({ deliveries: rows }) =>
          rows.length === 0 ? (
            <Empty title="Nothing has been sent yet." />
          ) : (
            <>
              <Table label="Deliveries" columns={columns} rows={rows} keyOf={(row) => row.id} />
              <nav aria-label="Pages of deliveries">
                {before !== null && (
                  <Button size="small" onClick={() => setBefore(null)}>
                    Newest
                  </Button>
                )}{' '}
                {rows.length === pageSize && (
                  <Button size="small" onClick={() => setBefore(rows.at(-1)?.number ?? null)}>
                    Earlier ones
                  </Button>
                )}
              </nav>
            </>
          )
        }
      </QueryView>
    </Card>
  )
}
