import { type ReactNode, useState } from 'react'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { FormActions } from './form.tsx'

/** A button for what can't be undone: it asks first, and says what will be. */
export function ConfirmButton({
  label,
  title,
  children,
  onConfirm,
  busy = false,
}: {
  label: string
  /** The question. */
  title: string
  /** What will be. */
  children: ReactNode
  onConfirm: () => void
  busy?: boolean
}) {
  const [asking, setAsking] = useState(false)
  return (
    <>
      <Button size="small" tone="danger" busy={busy} onClick={() => setAsking(true)}>
        {label}
      </Button>
      <Dialog title={title} open={asking} onOpenChange={setAsking}>
        <p>{children}</p>
        <FormActions>
          <Button onClick={() => setAsking(false)}>Not now</Button>
          <Button
            tone="danger"
            onClick={() => {
              setAsking(false)
              onConfirm()
            }}
          >
            {label}
          </Button>
        </FormActions>
      </Dialog>
    </>
  )
}
