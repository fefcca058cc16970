import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import type { BrandingTemplate } from '@slipway/contract/branding'
import type { Configuration } from '@slipway/contract/configurations'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { LinkButton } from '../../ui/link-button.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Page } from '../../ui/page.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'

const templateColumns: readonly Column<BrandingTemplate>[] = [
  {
    title: 'Name',
    cell: (row) => (
      <Link to="/templates/$id" params={{ id: String(row.id) }} dir="auto">
        {row.name}
      </Link>
    ),
  },
  { title: 'Brand', cell: (row) => <span dir="auto">{row.brand_name ?? '–'}</span> },
  { title: 'Rules', cell: (row) => row.replacement_rules.length, align: 'end' },
  { title: 'Files', cell: (row) => row.assets.length, align: 'end' },
  { title: 'Changed', cell: (row) => <TimeAgo at={row.updated_at} />, align: 'end' },
]

const configurationColumns: readonly Column<Configuration>[] = [
  {
    title: 'Name',
    cell: (row) => (
      <Link to="/templates/configurations/$id" params={{ id: String(row.id) }} dir="auto">
        {row.name}
      </Link>
    ),
  },
  { title: 'Settings', cell: (row) => Object.keys(row.settings).length, align: 'end' },
  {
    title: 'Into',
    cell: (row) => <code>{row.targets.map(({ path }) => path).join(', ') || '.env'}</code>,
  },
  { title: 'Changed', cell: (row) => <TimeAgo at={row.updated_at} />, align: 'end' },
]

/** What builds are dressed in: branding templates, and configurations. */
export function TemplatesPage() {
  const may = useMay()
  const [adding, setAdding] = useState(false)
  const templates = useQuery({
    queryKey: ['builds', 'templates'],
    queryFn: ({ signal }) => api.branding.list({ limit: 100 }, { signal }),
  })
  const configurations = useQuery({
    queryKey: ['builds', 'configurations'],
    queryFn: ({ signal }) => api.configurations.list({ limit: 100 }, { signal }),
  })
  return (
    <Page title="Templates">
      <Card
        title="Branding"
        actions={
          may('branding:manage') && (
            <Button size="small" onClick={() => setAdding(true)}>
              New template
            </Button>
          )
        }
      >
        <QueryView query={templates}>
          {({ templates: rows }) =>
            rows.length === 0 ? (
              <Empty title="There is no branding template." />
            ) : (
              <Table
                label="Branding templates"
                columns={templateColumns}
                rows={rows}
                keyOf={(row) => String(row.id)}
              />
            )
          }
        </QueryView>
      </Card>
      <Card
        title="Configurations"
        actions={
          may('configurations:manage') && (
            <LinkButton to="/templates/configurations/$id" params={{ id: 'new' }} size="small">
              New configuration
            </LinkButton>
          )
        }
      >
        <QueryView query={configurations}>
          {({ configurations: rows }) =>
            rows.length === 0 ? (
              <Empty title="There is no configuration." />
            ) : (
              <Table
                label="Configurations"
                columns={configurationColumns}
                rows={rows}
                keyOf={(row) => String(row.id)}
              />
            )
          }
        </QueryView>
      </Card>
      {adding && <AddTemplate onClose={() => setAdding(false)} />}
    </Page>
  )
}

const form = 'new-template'

function AddTemplate({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const [name, setName] = useDraft(form, 'name', '')
  const add = useMutation({
    mutationFn: () => api.branding.create({ name: name.trim() }),
    onSuccess: ({ id }) => {
      forgetDraft(form)
      return navigate({ to: '/templates/$id', params: { id: String(id) } })
    },
  })
  return (
    <Dialog
      title="New branding template"
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Form onSubmit={() => add.mutate()}>
        <Field label="Name" problem={add.isError ? messageOf(add.error) : undefined}>
          {(control) => (
            <input
              {...control}
              required
              dir="auto"
              maxLength={100}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <FormActions>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" tone="primary" busy={add.isPending}>
            Create
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
