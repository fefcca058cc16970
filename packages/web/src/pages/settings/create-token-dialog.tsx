import { useMutation } from '@tanstack/react-query'
import type { CreatedToken, Role } from '@slipway/contract/access'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { splitList } from './split-list.ts'

const roles: readonly Role[] = [
  'viewer',
  'developer',
  'approver',
  'operator',
  'admin',
  'service-account',
]

export function CreateTokenDialog({
  onMade,
  onClose,
}: {
  onMade: (token: CreatedToken) => void
  onClose: () => void
}) {
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<readonly Role[]>(['developer'])
  const [repositories, setRepositories] = useState('')
  const [ends, setEnds] = useState('')
  const limited = splitList(repositories)
  const make = useMutation({
    mutationFn: () =>
      api.tokens.create({
        name: name.trim(),
        roles: [...chosen],
        ...(limited.length === 0 ? {} : { repositories: limited }),
        ...(ends === '' ? {} : { expires_at: new Date(`${ends}T23:59:59`).toISOString() }),
      }),
    onSuccess: onMade,
  })
  return (
    <Dialog
      title="New token"
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Form onSubmit={() => make.mutate()}>
        <Field
          label="Name"
          hint="Whose it is, or what for."
          problem={make.isError ? messageOf(make.error) : undefined}
        >
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
        <fieldset>
          <legend>Roles</legend>
          {roles.map((role) => (
            <label key={role}>
              <input
                type="checkbox"
                checked={chosen.includes(role)}
                onChange={({ target }) =>
                  setChosen(
                    target.checked ? [...chosen, role] : chosen.filter((one) => one !== role),
                  )
                }
              />{' '}
              {role}{' '}
            </label>
          ))}
        </fieldset>
        <Field label="Repositories" hint="As owner/name, separated by spaces; empty: all.">
          {(control) => (
            <input
              {...control}
              value={repositories}
              onChange={(event) => setRepositories(event.target.value)}
            />
          )}
        </Field>
        <Field label="Ends after" hint="Empty: never.">
          {(control) => (
            <input
              {...control}
              type="date"
              value={ends}
              onChange={(event) => setEnds(event.target.value)}
            />
          )}
        </Field>
        <FormActions>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" tone="primary" busy={make.isPending} disabled={chosen.length === 0}>
            Make it
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
