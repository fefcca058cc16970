import { useMutation } from '@tanstack/react-query'
import type { CreatedWebhook } from '@slipway/contract/webhooks'
import { api, messageOf } from '../../api/client.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { splitList } from './split-list.ts'

const form = 'new-webhook'

export function CreateWebhookDialog({
  onMade,
  onClose,
}: {
  onMade: (webhook: CreatedWebhook) => void
  onClose: () => void
}) {
  const [url, setUrl] = useDraft(form, 'url', '')
  const [events, setEvents] = useDraft(form, 'events', '')
  const [repositories, setRepositories] = useDraft(form, 'repositories', '')
  const types = splitList(events)
  const limited = splitList(repositories)
  const make = useMutation({
    mutationFn: () =>
      api.webhooks.create({
        url: url.trim(),
        ...(types.length === 0 ? {} : { events: types }),
        ...(limited.length === 0 ? {} : { repositories: limited }),
      }),
    onSuccess: (made) => {
      forgetDraft(form)
      onMade(made)
    },
  })
  return (
    <Dialog
      title="New webhook"
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Form onSubmit={() => make.mutate()}>
        <Field label="Address" problem={make.isError ? messageOf(make.error) : undefined}>
          {(control) => (
            <input
              {...control}
              type="url"
              required
              maxLength={2000}
              placeholder="https://"
              value={url}
              onChange={(event) => setUrl(event.target.value)}
            />
          )}
        </Field>
        <Field
          label="Events"
          hint="As deployment.* or release.created, separated by spaces; empty: all."
        >
          {(control) => (
            <input
              {...control}
              value={events}
              onChange={(event) => setEvents(event.target.value)}
            />
          )}
        </Field>
        <Field label="Repositories" hint="As owner/name, separated by spaces; empty: all.">
          {(control) => (
            <input
              {...control}
              value={repositories}
              onChange={(event) => setRepositories(event.target.value)}
            />
          )}
        </Field>
        <FormActions>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" tone="primary" busy={make.isPending}>
            Create
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
