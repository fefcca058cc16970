import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Credential, CredentialType } from '@slipway/contract/credentials'
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
import { QueryView } from '../../ui/query-view.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Logins of Git remotes and registries: they are written here, and never shown. */
export function CredentialsTab() {
  const may = useMay()
  const say = useToast()
  const queries = useQueryClient()
  const [adding, setAdding] = useState(false)
  const reload = () => void queries.invalidateQueries({ queryKey: ['builds', 'credentials'] })
  const credentials = useQuery({
    queryKey: ['builds', 'credentials'],
    queryFn: ({ signal }) => api.credentials.list({ limit: 100 }, { signal }),
  })
  const verify = useMutation({
    mutationFn: (id: number) => api.credentials.verify(id),
    onSuccess: ({ is_verified: works, message }) => say(works ? 'good' : 'bad', message),
    onError: (error) => say('bad', messageOf(error)),
  })
  const remove = useMutation({
    mutationFn: (id: number) => api.credentials.delete(id),
    onSuccess: () => say('good', 'The credential is deleted.'),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: reload,
  })
  const columns: Column<Credential>[] = [
    { title: 'Name', cell: (row) => <strong dir="auto">{row.name}</strong> },
    { title: 'Kind', cell: (row) => row.credential_type.replaceAll('_', ' '), short: true },
    { title: 'Ends', cell: (row) => <TimeAgo at={row.expires_at} />, align: 'end' },
    { title: 'Changed', cell: (row) => <TimeAgo at={row.updated_at} />, align: 'end' },
  ]
  if (may('credentials:manage')) {
    columns.push({
      title: 'Change',
      align: 'end',
      cell: (row) => (
        <FormActions>
          <Button
            size="small"
            busy={verify.isPending && verify.variables === row.id}
            onClick={() => verify.mutate(row.id)}
          >
            Try it
          </Button>
          <ConfirmButton
            label="Delete"
            title={`Delete ${row.name}?`}
            onConfirm={() => remove.mutate(row.id)}
          >
            What uses it cannot sign in any more. It can’t be undone.
          </ConfirmButton>
        </FormActions>
      ),
    })
  }
  return (
    <Card
      title="Credentials"
      actions={
        may('credentials:manage') && (
          <Button size="small" onClick={() => setAdding(true)}>
            Add credential
          </Button>
        )
      }
    >
      <QueryView query={credentials}>
        {({ credentials: rows }) =>
          rows.length === 0 ? (
            <Empty title="There is no credential." />
          ) : (
            <Table
              label="Credentials"
              columns={columns}
              rows={rows}
              keyOf={(row) => String(row.id)}
            />
          )
        }
      </QueryView>
      {adding && (
        <AddCredential
          onClose={() => setAdding(false)}
          onAdded={() => {
            setAdding(false)
            reload()
          }}
        />
      )}
    </Card>
  )
}

const form = 'new-credential'

function AddCredential({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const [name, setName] = useDraft(form, 'name', '')
  const [type, setType] = useDraft<CredentialType>(form, 'type', 'git_https')
  // It has secrets in it, so it stays in memory.
  const [data, setData] = useState<Readonly<Record<string, string>>>({})
  const types = useQuery({
    queryKey: ['builds', 'credential-types'],
    queryFn: ({ signal }) => api.credentials.types({ signal }),
  })
  const add = useMutation({
    mutationFn: () =>
      api.credentials.create({
        name: name.trim(),
        credential_type: type,
        credential_data: Object.fromEntries(
          Object.entries(data).filter(([, value]) => value !== ''),
        ),
      }),
    onSuccess: () => {
      forgetDraft(form)
      onAdded()
    },
  })
  const fields = types.data?.find((one) => one.credential_type === type)?.fields ?? []
  return (
    <Dialog
      title="Add a credential"
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
              maxLength={100}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Kind">
          {(control) => (
            <select
              {...control}
              value={type}
              onChange={({ target }) => {
                const chosen = types.data?.find((one) => one.credential_type === target.value)
                if (chosen !== undefined) setType(chosen.credential_type)
                setData({})
              }}
            >
              {types.data?.map((one) => (
                <option key={one.credential_type} value={one.credential_type}>
                  {one.description}
                </option>
              ))}
            </select>
          )}
        </Field>
        {fields.map((field) => (
          <Field key={field.name} label={field.name.replaceAll('_', ' ')} hint={field.description}>
            {(control) => {
              const shared = {
                ...control,
                required: field.required,
                autoComplete: 'off',
                value: data[field.name] ?? '',
                onChange: ({ target }: { target: { value: string } }) =>
                  setData({ ...data, [field.name]: target.value }),
              }
              return field.multiline ? (
                <textarea {...shared} rows={4} spellCheck={false} />
              ) : (
                <input {...shared} type={field.secret ? 'password' : 'text'} />
              )
            }}
          </Field>
        ))}
        <FormActions>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" tone="primary" busy={add.isPending}>
            Add
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
