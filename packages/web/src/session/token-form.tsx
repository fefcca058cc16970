import { useQueryClient } from '@tanstack/react-query'
import { type SyntheticEvent, useState } from 'react'
import { isStatus, messageOf } from '../api/client.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { sessionQuery, signInWithToken } from './session.ts'
import styles from './sign-in-page.module.css'

/** Signs in with a token. */
export function TokenForm({
  initial = '',
  onSignedIn,
}: {
  /** What the field begins with. */
  initial?: string
  onSignedIn: () => void
}) {
  const queries = useQueryClient()
  const [token, setToken] = useState(initial)
  const [problem, setProblem] = useState<string | undefined>()
  const [busy, setBusy] = useState(false)

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      queries.setQueryData(sessionQuery.queryKey, await signInWithToken(token.trim()))
      onSignedIn()
    } catch (error) {
      setProblem(isStatus(error, 401) ? 'That token is not known here.' : messageOf(error))
      setBusy(false)
    }
  }
  return (
    <form onSubmit={(event) => void submit(event)} className={styles.form}>
      <Field
        label="Token"
        hint="The administrator’s token is printed at the first start, and kept in the data directory."
        problem={problem}
      >
        {(control) => (
          <input
            {...control}
            type="password"
            autoComplete="current-password"
            autoFocus
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" tone="primary" busy={busy}>
        Sign in
      </Button>
    </form>
  )
}
