import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Webhook } from '@slipway/contract/webhooks'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { ConfirmButton } from '../../ui/confirm-button.tsx'
import { FormActions } from '../../ui/form.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { useToast } from '../../ui/toast.tsx'
import { CreateWebhookDialog } from './create-webhook-dialog.tsx'
import { Deliveries } from './deliveries.tsx'
import styles from './settings.module.css'

const pageSize = 25
/** Milliseconds between two looks while deliveries are watched: nothing announces that one was turned off. */
const everyMs = 3000

/** Who is told of events, and what became of each delivery. */
export function WebhooksTab() {
  const may = useMay()
  const say = useToast()
  const queries = useQueryClient()
  const [page, setPage] = useState(1)
  const [making, setMaking] = useState(false)
  const [secret, setSecret] = useState<{ url: string; secret: string } | null>(null)
  const [opened, setOpened] = useState<string | null>(null)
  const reload = () => void queries.invalidateQueries({ queryKey: ['settings', 'webhooks'] })
  const webhooks = useQuery({
    queryKey: ['settings', 'webhooks', 'list', page],
    queryFn: ({ signal }) =>
      api.webhooks.list({ limit: pageSize, offset: (page - 1) * pageSize }, { signal }),
    refetchInterval: opened === null ? false : everyMs,
  })
  const change = useMutation({
    mutationFn: (act: () => Promise<unknown>) => act(),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: reload,
  })
  const columns: Column<Webhook>[] = [
    {
      title: 'To',
      cell: (webhook) => (
        <span className={styles.target}>
          <strong>{webhook.url}</strong>
          {webhook.description !== null && <small dir="auto">{webhook.description}</small>}
        </span>
      ),
    },
    { title: 'Events', cell: (webhook) => webhook.events?.join(', ') ?? 'all' },
    {
      title: 'State',
      cell: (webhook) => (
        <span title={webhook.disabled_reason ?? undefined}>
          <Status
            value={
              webhook.enabled ? 'active' : webhook.disabled_reason === null ? 'off' : 'offline'
            }
            label={webhook.enabled ? 'on' : 'off'}
          />
        </span>
      ),
    },
    {
      title: 'Deliveries',
      align: 'end',
      cell: (webhook) => (
        <FormActions>
          <Button
            size="small"
            aria-expanded={opened === webhook.id}
            onClick={() => setOpened(opened === webhook.id ? null : webhook.id)}
          >
            Deliveries
          </Button>
          {may('webhooks:manage') && (
            <>
              <Button
                size="small"
                busy={change.isPending}
                onClick={() => {
                  setOpened(webhook.id)
                  change.mutate(async () => {
                    await api.webhooks.test(webhook.id)
                    say('good', 'A test is sent: see the deliveries.')
                  })
                }}
              >
                Test
              </Button>
              <Button
                size="small"
                onClick={() =>
                  change.mutate(() =>
                    api.webhooks.update(webhook.id, { enabled: !webhook.enabled }),
                  )
                }
              >
                {webhook.enabled ? 'Turn off' : 'Turn on'}
              </Button>
              <ConfirmButton
                label="Delete"
                title="Delete this webhook?"
                onConfirm={() =>
                  change.mutate(async () => {
                    // Its deliveries are not asked for while it goes.
                    if (opened === webhook.id) setOpened(null)
                    await queries.cancelQueries({
                      queryKey: ['settings', 'webhooks', 'deliveries', webhook.id],
                    })
                    await api.webhooks.delete(webhook.id)
                    say('good', 'The webhook is deleted.')
                  })
                }
              >
                {webhook.url} is told nothing from then on, and its deliveries are forgotten.
              </ConfirmButton>
            </>
          )}
        </FormActions>
      ),
    },
  ]
  return (
    <>
      <Card
        title="Webhooks"
        actions={
          may('webhooks:manage') && (
            <Button size="small" onClick={() => setMaking(true)}>
              New webhook
            </Button>
          )
        }
      >
        {secret !== null && (
          <ShownOnce title={`What ${secret.url} checks signatures with`} secret={secret.secret} />
        )}
        <QueryView query={webhooks}>
          {({ webhooks: rows, total }) =>
            rows.length === 0 ? (
              <Empty title="Nobody is told of events." />
            ) : (
              <>
                <Table label="Webhooks" columns={columns} rows={rows} keyOf={(row) => row.id} />
                <Pager page={page} more={page * pageSize < total} onPage={setPage} />
              </>
            )
          }
        </QueryView>
      </Card>
      {opened !== null && <Deliveries webhookId={opened} />}
      {making && (
        <CreateWebhookDialog
          onClose={() => setMaking(false)}
          onMade={(made) => {
            setSecret(made)
            setMaking(false)
            reload()
          }}
        />
      )}
    </>
  )
}
