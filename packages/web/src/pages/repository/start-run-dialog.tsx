import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { api, messageOf } from '../../api/client.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'

/** Starts a run of a commit of the repository. */
export function StartRunDialog({
  repository,
  onClose,
}: {
  repository: string
  onClose: () => void
}) {
  const navigate = useNavigate()
  const form = `start-run-${repository}`
  const [branch, setBranch] = useDraft(form, 'branch', 'main')
  const [commit, setCommit] = useDraft(form, 'commit', '')
  const start = useMutation({
    mutationFn: () =>
      api.runs.create({
        repository,
        branch: branch.trim(),
        commit_sha: commit.trim(),
        trigger_type: 'manual',
      }),
    onSuccess: ({ id }) => {
      forgetDraft(form)
      return navigate({ to: '/runs/$id', params: { id } })
    },
  })
  return (
    <Dialog
      title={`Start a run of ${repository}`}
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Form onSubmit={() => start.mutate()}>
        <Field label="Branch" hint="Or refs/tags/ and a tag.">
          {(control) => (
            <input
              {...control}
              required
              maxLength={255}
              value={branch}
              onChange={(event) => setBranch(event.target.value)}
            />
          )}
        </Field>
        <Field
          label="Commit"
          hint="7 to 40 hexadecimal digits."
          problem={start.isError ? messageOf(start.error) : undefined}
        >
          {(control) => (
            <input
              {...control}
              required
              pattern="[0-9a-fA-F]{7,40}"
              value={commit}
              onChange={(event) => setCommit(event.target.value)}
            />
          )}
        </Field>
        <FormActions>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" tone="primary" busy={start.isPending}>
            Start
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
