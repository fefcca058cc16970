import { useMutation } from '@tanstack/react-query'
import { api, messageOf } from '../../api/client.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { useToast } from '../../ui/toast.tsx'
import { readInputs } from './read-inputs.ts'

/** Starts a workflow of GitHub Actions, with its inputs. */
export function TriggerDialog({
  repository,
  onClose,
}: {
  repository: string
  onClose: () => void
}) {
  const say = useToast()
  const form = `trigger-${repository}`
  const [workflow, setWorkflow] = useDraft(form, 'workflow', '')
  const [branch, setBranch] = useDraft(form, 'branch', 'main')
  const [inputs, setInputs] = useDraft(form, 'inputs', '')
  const read = readInputs(inputs)
  const start = useMutation({
    mutationFn: () =>
      api.pipelines.trigger({
        repository,
        workflow: workflow.trim(),
        branch: branch.trim(),
        inputs: read.inputs,
      }),
    onSuccess: ({ message }) => {
      forgetDraft(form)
      say('good', message)
      onClose()
    },
  })
  return (
    <Dialog
      title={`Start a workflow of ${repository}`}
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Form onSubmit={() => start.mutate()}>
        <Field label="Workflow" hint="Its name or its file, as ci.yml.">
          {(control) => (
            <input
              {...control}
              required
              maxLength={255}
              value={workflow}
              onChange={(event) => setWorkflow(event.target.value)}
            />
          )}
        </Field>
        <Field label="Branch">
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
          label="Inputs"
          hint="One a line, as name=value."
          problem={read.problem ?? (start.isError ? messageOf(start.error) : undefined)}
        >
          {(control) => (
            <textarea
              {...control}
              rows={3}
              value={inputs}
              onChange={(event) => setInputs(event.target.value)}
            />
          )}
        </Field>
        <FormActions>
          <Button onClick={onClose}>Not now</Button>
          <Button
            type="submit"
            tone="primary"
            busy={start.isPending}
            disabled={read.problem !== undefined}
          >
            Start
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
