import { useMutation } from '@tanstack/react-query'
import type { CreatedToken, Role } from '@slipway/contract/access'
import { roles } from '@slipway/contract/vocabulary'
import { api, messageOf } from '../../api/client.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import styles from './settings.module.css'
import { splitList } from './split-list.ts'

/** What each is for, in a line. */
const purposes: Readonly<Record<Role, string>> = {
  viewer: 'looks',
  developer: 'starts runs and deploys, too',
  approver: 'looks and approves',
  operator: 'keeps webhooks, secrets, registries and runners',
  admin: 'everything, tokens too',
  'service-account': 'a machine that reports for others, and may start runs for them',
  worker: 'a worker on another machine, and nothing else',
}

const form = 'new-token'

export function CreateTokenDialog({
  onMade,
  onClose,
}: {
  onMade: (token: CreatedToken) => void
  onClose: () => void
}) {
  const [name, setName] = useDraft(form, 'name', '')
  const [chosen, setChosen] = useDraft<readonly Role[]>(form, 'roles', ['developer'])
  const [repositories, setRepositories] = useDraft(form, 'repositories', '')
  const [ends, setEnds] = useDraft(form, 'ends', '')
  const isWorker = chosen.includes('worker')
  const limited = isWorker ? [] : splitList(repositories)
  const make = useMutation({
    mutationFn: () =>
      api.tokens.create({
        name: name.trim(),
        roles: [...chosen],
        ...(limited.length === 0 ? {} : { repositories: limited }),
        ...(ends === '' ? {} : { expires_at: new Date(`${ends}T23:59:59`).toISOString() }),
      }),
    onSuccess: (made) => {
      forgetDraft(form)
      onMade(made)
    },
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
            <label key={role} className={styles.role}>
              <input
                type="checkbox"
                checked={chosen.includes(role)}
                onChange={({ target }) =>
                  setChosen(
                    target.checked ? [...chosen, role] : chosen.filter((one) => one !== role),
                  )
                }
              />{' '}
              {role} <small>{purposes[role]}</small>
            </label>
          ))}
        </fieldset>
        <Field
          label="Repositories"
          hint={
            isWorker
              ? 'All: a worker’s jobs come from all of them.'
              : 'As owner/name, separated by spaces; empty: all.'
          }
        >
          {(control) => (
            <input
              {...control}
              disabled={isWorker}
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
            Create
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
