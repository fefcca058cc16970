import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ContainerRegistry, RegistryType } from '@slipway/contract/registries'
import { registryAddresses } from '@slipway/contract/vocabulary'
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

/** Container registries that builds push their images to. */
export function RegistriesTab() {
  const may = useMay()
  const say = useToast()
  const queries = useQueryClient()
  const [adding, setAdding] = useState(false)
  const reload = () => void queries.invalidateQueries({ queryKey: ['builds', 'registries'] })
  const registries = useQuery({
    queryKey: ['builds', 'registries'],
    queryFn: ({ signal }) => api.registries.list({ limit: 100 }, { signal }),
  })
  const test = useMutation({
    mutationFn: (id: number) => api.registries.test(id),
    onSuccess: ({ is_verified: works, message }) => say(works ? 'good' : 'bad', message),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: reload,
  })
  const remove = useMutation({
    mutationFn: (id: number) => api.registries.delete(id),
    onSuccess: () => say('good', 'It is not registered any more.'),
    onError: (error) => say('bad', messageOf(error)),
    onSettled: reload,
  })
  const columns: Column<ContainerRegistry>[] = [
    { title: 'Name', cell: (row) => <strong dir="auto">{row.name}</strong> },
    {
      title: 'Where',
      cell: (row) => (
        <code>{[row.registry_url, row.namespace].filter((part) => part !== null).join('/')}</code>
      ),
    },
    {
      title: 'State',
      cell: (row) => (
        <span title={row.verification_message ?? undefined}>
          <Status
            value={row.is_verified ? 'success' : 'waiting'}
            label={row.is_verified ? 'login works' : 'not tested'}
          />
        </span>
      ),
    },
  ]
  if (may('registries:manage')) {
    columns.push({
      title: 'Change',
      align: 'end',
      cell: (row) => (
        <FormActions>
          <Button
            size="small"
            busy={test.isPending && test.variables === row.id}
            onClick={() => test.mutate(row.id)}
          >
            Test
          </Button>
          <ConfirmButton
            label="Remove"
            title={`Remove ${row.name}?`}
            onConfirm={() => remove.mutate(row.id)}
          >
            Nothing is pushed there any more. What is there stays.
          </ConfirmButton>
        </FormActions>
      ),
    })
  }
  return (
    <Card
      title="Registries"
      actions={
        may('registries:manage') && (
          <Button size="small" onClick={() => setAdding(true)}>
            Add registry
          </Button>
        )
      }
    >
      <QueryView query={registries}>
        {({ registries: rows }) =>
          rows.length === 0 ? (
            <Empty title="There is no registry: images stay where they are built." />
          ) : (
            <Table
              label="Registries"
              columns={columns}
              rows={rows}
              keyOf={(row) => String(row.id)}
            />
          )
        }
      </QueryView>
      {adding && (
        <AddRegistry
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

const types = Object.keys(registryAddresses) as RegistryType[]

const form = 'new-registry'

function AddRegistry({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const may = useMay()
  const [name, setName] = useDraft(form, 'name', '')
  const [type, setType] = useDraft<RegistryType>(form, 'type', 'generic')
  const [url, setUrl] = useDraft(form, 'url', '')
  const [namespace, setNamespace] = useDraft(form, 'namespace', '')
  const [credential, setCredential] = useDraft(form, 'credential', '')
  const credentials = useQuery({
    queryKey: ['builds', 'credentials'],
    queryFn: ({ signal }) => api.credentials.list({ limit: 100 }, { signal }),
    enabled: may('credentials:read'),
  })
  const add = useMutation({
    mutationFn: () =>
      api.registries.create({
        name: name.trim(),
        registry_type: type,
        ...(url.trim() === '' ? {} : { registry_url: url.trim() }),
        ...(namespace.trim() === '' ? {} : { namespace: namespace.trim() }),
        ...(credential === '' ? {} : { credential_id: Number(credential) }),
      }),
    onSuccess: () => {
      forgetDraft(form)
      onAdded()
    },
  })
  return (
    <Dialog
      title="Add a registry"
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
              onChange={({ target }) =>
                setType(types.find((one) => one === target.value) ?? 'generic')
              }
            >
              {types.map((one) => (
                <option key={one} value={one}>
                  {one.replaceAll('_', ' ')}
                </option>
              ))}
            </select>
          )}
        </Field>
        {registryAddresses[type] === null && (
          <Field label="Address" hint="host, or host:port.">
            {(control) => (
              <input
                {...control}
                required
                value={url}
                onChange={(event) => setUrl(event.target.value)}
              />
            )}
          </Field>
        )}
        <Field label="Before an image’s name" hint="An organisation, user, group or path.">
          {(control) => (
            <input
              {...control}
              value={namespace}
              onChange={(event) => setNamespace(event.target.value)}
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
              {credentials.data?.credentials
                .filter((one) => one.credential_type.startsWith('registry_'))
                .map((one) => (
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
            Add
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
