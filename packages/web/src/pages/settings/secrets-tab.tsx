import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { StepSecret } from '@slipway/contract/secrets'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { useMay } from '../../session/session.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { ConfirmButton } from '../../ui/confirm-button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Pager } from '../../ui/pager.tsx'
import { QueryView } from '../../ui/query-view.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { useToast } from '../../ui/toast.tsx'

const pageSize = 25

/** Secrets of steps: they are written here, and never shown. */
export function SecretsTab() {
  const may = useMay()
  const say = useToast()
  const queries = useQueryClient()
  const [page, setPage] = useState(1)
  const [writing, setWriting] = useState<{ scope: string; name: string } | null>(null)
  const reload = () => void queries.invalidateQueries({ queryKey: ['settings', 'secrets'] })
  const secrets = useQuery({
    queryKey: ['settings', 'secrets', page],
    queryFn: ({ signal }) =>
      api.secrets.list({ limit: pageSize, offset: (page - 1) * pageSize }, { signal }),
  })
  const remove = useMutation({
    mutationFn: ({ scope, name }: StepSecret) => api.secrets.delete(scope, name),
    onSuccess: () => say('good', 'The secret is deleted.'),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: reload,
  })
  const columns: Column<StepSecret>[] = [
    { title: 'For', cell: (secret) => <span dir="auto">{secret.scope}</span> },
    { title: 'Name', cell: (secret) => <code>{secret.name}</code> },
    { title: 'Written by', cell: (secret) => <span dir="auto">{secret.updated_by}</span> },
    { title: 'When', cell: (secret) => <TimeAgo at={secret.updated_at} />, align: 'end' },
  ]
  if (may('secrets:manage')) {
    columns.push({
      title: 'Change',
      align: 'end',
      cell: (secret) => (
        <FormActions>
          <Button size="small" onClick={() => setWriting(secret)}>
            Replace
          </Button>
          <ConfirmButton
            label="Delete"
            title={`Delete ${secret.name} of ${secret.scope}?`}
            onConfirm={() => remove.mutate(secret)}
          >
            Steps that ask for it fail from then on. It can’t be undone.
          </ConfirmButton>
        </FormActions>
      ),
    })
  }
  return (
    <Card
      title="Secrets"
      actions={
        may('secrets:manage') && (
          <Button size="small" onClick={() => setWriting({ scope: '', name: '' })}>
            New secret
          </Button>
        )
      }
    >
      <QueryView query={secrets}>
        {({ secrets: rows, total }) =>
          rows.length === 0 ? (
            <Empty title="There is no secret." />
          ) : (
            <>
              <Table
                label="Secrets"
                columns={columns}
                rows={rows}
                keyOf={({ scope, name }) => `${scope} ${name}`}
              />
              <Pager page={page} more={page * pageSize < total} onPage={setPage} />
            </>
          )
        }
      </QueryView>
      {writing !== null && (
        <SecretDialog
          secret={writing}
          onClose={() => setWriting(null)}
          onWritten={() => {
            setWriting(null)
            say('good', 'The secret is kept.')
            reload()
          }}
        />
      )}
    </Card>
  )
}

function SecretDialog({
  secret,
  onClose,
  onWritten,
}: {
  secret: { scope: string; name: string }
  onClose: () => void
  onWritten: () => void
}) {
  const form = `secret-${secret.scope} ${secret.name}`
  const [scope, setScope] = useDraft(form, 'scope', secret.scope)
  const [name, setName] = useDraft(form, 'name', secret.name)
  const [value, setValue] = useState('')
  const isNew = secret.name === ''
  const write = useMutation({
    mutationFn: () => api.secrets.set(scope.trim(), name.trim(), value),
    onSuccess: () => {
      forgetDraft(form)
      onWritten()
    },
  })
  return (
    <Dialog
      title={isNew ? 'New secret' : `Replace ${secret.name}`}
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Form onSubmit={() => write.mutate()}>
        <Field label="For" hint="An organisation, or a repository as owner/name.">
          {(control) => (
            <input
              {...control}
              required
              readOnly={!isNew}
              value={scope}
              onChange={(event) => setScope(event.target.value)}
            />
          )}
        </Field>
        <Field label="Name" hint="As steps ask for it.">
          {(control) => (
            <input
              {...control}
              required
              readOnly={!isNew}
              maxLength={128}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field
          label="Value"
          hint="It is never shown again."
          problem={write.isError ? messageOf(write.error) : undefined}
        >
          {(control) => (
            <textarea
              {...control}
              required
              rows={3}
              autoComplete="off"
              spellCheck={false}
              value={value}
              onChange={(event) => setValue(event.target.value)}
            />
          )}
        </Field>
        <FormActions>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" tone="primary" busy={write.isPending}>
            Save
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
