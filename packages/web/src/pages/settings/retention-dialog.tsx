import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ChangeRetentionRequest, RetentionTime } from '@slipway/contract/retention'
import { useDeferredValue } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { problemsOf } from '../../api/problems.ts'
import { forgetDraft, useDraft } from '../../session/drafts.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'
import { Notice } from '../../ui/notice.tsx'
import { useToast } from '../../ui/toast.tsx'
import styles from './settings.module.css'

const form = 'retention'
const duration = /^\s*\d{1,9}(s|m|h|d)\s*$/

/** Asks for how long things are to be kept, and says what would go before it is done. */
export function RetentionDialog({
  times,
  onClose,
}: {
  times: readonly RetentionTime[]
  onClose: () => void
}) {
  const say = useToast()
  const queries = useQueryClient()
  const [typed, setTyped] = useDraft<Record<string, string>>(form, 'times', {})
  const changeable = times.filter(({ source }) => source !== 'built-in')
  const changes = changeable.filter(
    ({ kind, kept, fixed_because: fixed }) =>
      fixed === null && typed[kind] !== undefined && typed[kind].trim() !== kept,
  )
  const tried = useDeferredValue(
    Object.fromEntries(
      changes.flatMap(({ kind, unchanged }) => {
        const text = typed[kind]?.trim() === '' ? unchanged : (typed[kind] ?? '').trim()
        return duration.test(text) ? [[kind, text]] : []
      }),
    ),
  )
  const preview = useQuery({
    queryKey: ['settings', 'retention', 'preview', tried],
    queryFn: ({ signal }) => api.retention.preview(tried, { signal }),
    placeholderData: keepPreviousData,
    retry: false,
  })
  const change = useMutation({
    mutationFn: () => {
      const request: ChangeRetentionRequest = Object.fromEntries(
        changes.map(({ kind }) => {
          const text = (typed[kind] ?? '').trim()
          return [kind, text === '' ? null : text]
        }),
      )
      return api.retention.change(request)
    },
    onSuccess: () => {
      forgetDraft(form)
      say('good', 'Changed: it holds from the next pass on.')
      onClose()
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: ['settings', 'retention'] }),
  })
  const problems = [change, preview].flatMap(({ error }) =>
    error === null ? [] : problemsOf(error),
  )
  const going = (preview.data ?? []).filter(({ rows }) => rows !== 0)
  return (
    <Dialog
      title="For how long things are kept"
      description="As 12h or 90d; from 1h to 3650d. Empty: the default. A change holds on every server from the next pass on."
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Form onSubmit={() => change.mutate()}>
        <div className={styles.times}>
          {changeable.map(({ kind, kept, unchanged, description, fixed_because: fixed }) => (
            <Field
              key={kind}
              label={kind}
              hint={fixed === null ? `${description} By default ${unchanged}.` : fixed}
              problem={problems.find(({ path }) => path === `/${kind}`)?.message}
            >
              {(control) => (
                <input
                  {...control}
                  disabled={fixed !== null}
                  maxLength={20}
                  value={fixed === null ? (typed[kind] ?? kept) : kept}
                  onChange={(event) => setTyped({ ...typed, [kind]: event.target.value })}
                />
              )}
            </Field>
          ))}
        </div>
        {change.isError && problems.length === 0 && (
          <Notice tone="bad" title={messageOf(change.error)} />
        )}
        {preview.isError ? (
          <Notice tone="wait" title="What would go cannot be counted.">
            <p>{messageOf(preview.error)}</p>
          </Notice>
        ) : (
          <Notice
            tone={going.length === 0 ? 'idle' : 'wait'}
            title={
              going.length === 0
                ? 'The next pass would remove nothing.'
                : 'The next pass would remove:'
            }
          >
            {going.length > 0 && (
              <ul>
                {going.map(({ kind, what, rows, at_least: atLeast }) => (
                  <li key={`${kind} ${what}`}>
                    {rows === null ? 'too many to count' : rows.toLocaleString()}
                    {atLeast ? ' or more' : ''} {what}
                  </li>
                ))}
              </ul>
            )}
          </Notice>
        )}
        <FormActions>
          <Button onClick={onClose}>Not now</Button>
          <Button
            type="submit"
            tone={going.length === 0 ? 'primary' : 'danger'}
            busy={change.isPending}
            disabled={changes.length === 0}
          >
            {going.length === 0 ? 'Change' : 'Change, and remove these'}
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}
