import { useMutation } from '@tanstack/react-query'
import type { CreatedToken, Token } from '@slipway/contract/access'
import { useState } from 'react'
import { api, messageOf } from '../../api/client.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, FormActions } from '../../ui/form.tsx'

/** Asks before a token gets a new secret, and when it is to end then. */
export function RotateTokenDialog({
  token,
  onRotated,
  onClose,
}: {
  token: Token
  onRotated: (token: CreatedToken) => void
  onClose: () => void
}) {
  const [ends, setEnds] = useState(dayOf(token.expires_at))
  const rotate = useMutation({
    mutationFn: () => api.tokens.rotate(token.id, { expires_at: endOf(ends, token.expires_at) }),
    onSuccess: onRotated,
  })
  return (
    <Dialog
      title={`Rotate ${token.name}?`}
      description="It gets a new secret, which is shown once. Whatever uses the one before is refused within ten seconds, until it is given the new one."
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Form onSubmit={() => rotate.mutate()}>
        <Field
          label="Ends after"
          hint="Empty: never."
          problem={rotate.isError ? messageOf(rotate.error) : undefined}
        >
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
          <Button type="submit" tone="primary" busy={rotate.isPending}>
            Rotate
          </Button>
        </FormActions>
      </Form>
    </Dialog>
  )
}

/** The day where whoever looks is, as a date field has it. */
function dayOf(at: string | null): string {
  if (at === null) return ''
  const time = new Date(at)
  const parts = [time.getFullYear(), time.getMonth() + 1, time.getDate()]
  return parts.map((part) => String(part).padStart(2, '0')).join('-')
}

/** What was not touched stays as it is to the second. */
function endOf(ends: string, before: string | null): string | null {
  if (ends === '') return null
  if (ends === dayOf(before)) return before
  return new Date(`${ends}T23:59:59`).toISOString()
}
