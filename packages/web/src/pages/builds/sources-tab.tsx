import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Repository } from '@slipway/contract/repositories'
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
import { Status } from '../../ui/status.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { useToast } from '../../ui/toast.tsx'

/** Git repositories that are registered: where they are, and whether they can be read. */
export function SourcesTab() {
  const may = useMay()
  const say = useToast()
  const queries = useQueryClient()
  const [adding, setAdding] = useState(false)
  const reload = () => void queries.invalidateQueries({ queryKey: ['builds', 'sources'] })
  const sources = useQuery({
    queryKey: ['builds', 'sources'],
    queryFn: ({ signal }) => api.repositories.list({ limit: 100 }, { signal }),
  })
  const verify = useMutation({
    mutationFn: (id: number) => api.repositories.verify(id),
    onSuccess: ({ is_verified: works, message }) => say(works ? 'good' : 'bad', message),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: reload,
  })
  const remove = useMutation({
    mutationFn: (id: number) => api.repositories.delete(id),
    onSuccess: () => say('good', 'It is not registered any more.'),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: reload,
  })
  const columns: Column<Repository>[] = [
    { title: 'Name', cell: (row) => <strong dir="auto">{row.name}</strong> },
    { title: 'Address', cell: (row) => <code>{row.repository_url}</code> },
    {
      title: 'State',
      cell: (row) => (
        <Status
          value={row.is_verified ? 'success' : 'waiting'}
          label={row.is_verified ? 'can be read' : 'not verified'}
        />
      ),
    },
  ]
  if (may('repositories:manage')) {
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
            Verify
          </Button>
          <ConfirmButton
            label="Remove"
            title={`Remove ${row.name}?`}
            onConfirm={() => remove.mutate(row.id)}
          >
            Nothing is built from it any more. The repository itself stays as it is.
          </ConfirmButton>
        </FormActions>
      ),
    })
  }
  return (
    <Card
      title="Repositories"
      actions={
        may('repositories:manage') && (
          <Button size="small" onClick={() => setAdding(true)}>
            Register repository
          </Button>
        )
      }
    >
      <QueryView query={sources}>
        {({ repositories }) =>
          repositories.length === 0 ? (
            <Empty title="No repository is registered: builds are made of the official one." />
          ) : (
            <Table
              label="Repositories"
              columns={columns}
              rows={repositories}
              keyOf={(row) => String(row.id)}
            />
          )
        }
      </QueryView>
      {adding && (
        <AddSource
          onClose={() => setAdding(false)}
          onAdded={(added) => {
            setAdding(false)
            say(
              added.is_verified ? 'good' : 'bad',
              added.is_verified ? 'It can be read.' : 'It is registered, and could not be read.',
            )
            reload()
          }}
        />
      )}
    </Card>
  )
}

const form = 'new-repository'

function AddSource({
  onClose,
  onAdded,
}: {
  onClose: () => void
  onAdded: (repository: Repository) => void
}) {
  const [name, setName] = useDraft(form, 'name', '')
  const [url, setUrl] = useDraft(form, 'url', '')
  const [credential, setCredential] = useDraft(form, 'credential', '')
  const may = useMay()
  const credentials = useQuery({
    queryKey: ['builds', 'credentials'],
    queryFn: ({ signal }) => api.credentials.list({ limit: 100 }, { signal }),
    enabled: may('credentials:read'),
  })
  const add = useMutation({
    mutationFn: () =>
      api.repositories.create({
        name: name.trim(),
        repository_url: url.trim(),
        ...(credential === '' ? {} : { credential_id: Number(credential) }),
      }),
    onSuccess: (added) => {
      forgetDraft(form)
      onAdded(added)
    },
  })
  return (
    <Dialog
      title="Register a repository"
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
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Address" hint="By https or ssh.">
          {(control) => (
            <input
              {...control}
              required
              value={url}
              onChange={(event) => setUrl(event.target.value)}
            />
          )}
        </Field>
        <Field label="Credential">
          {(control) => (
            <select
              {...control}
              value={credential}
              onChange={(event) => setCredential(event.target.value)}
            >
              <option value="">none</option>
              {credentials.data?.credentials.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <FormActions>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" tone="primary" busy={add.isPending}>
            Register
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
