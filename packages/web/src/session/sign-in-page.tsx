import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { type SyntheticEvent, useState } from 'react'
import { messageOf } from '../api/client.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Notice } from '../ui/notice.tsx'
import { sessionQuery, signInConfigurationQuery, signInWithToken } from './session.ts'
import styles from './sign-in-page.module.css'

const route = getRouteApi('/sign-in')

const reasons: Readonly<Record<string, string>> = {
  denied: 'You, or the issuer, said no.',
  expired: 'That took too long, or was begun in another window. Try again.',
  failed:
    'The issuer’s answer could not be trusted. Try again; if it stays so, tell whoever runs this server.',
  unavailable: 'The issuer does not answer. Try again later, or use a token.',
}

/**
 * What a link brought behind `#token=`, which no server sees; it goes from the address at once. It is only
 * put into the field: whom to sign in as is for whoever is here to say.
 */
function takeTokenOfLink(): string {
  const token = /^#token=([^&]+)$/.exec(location.hash)?.[1]
  if (token === undefined) return ''
  history.replaceState(history.state, '', location.pathname + location.search)
  return decodeURIComponent(token)
}

/** In by the issuer or by a token, and back to where one came from. */
export function SignInPage() {
  const { return_to: returnTo, sign_in_error: reason } = route.useSearch()
  const queries = useQueryClient()
  const router = useRouter()
  const configuration = useQuery(signInConfigurationQuery)
  const [token, setToken] = useState(takeTokenOfLink)
  const [problem, setProblem] = useState<string | undefined>()
  const [busy, setBusy] = useState(false)
  const oidc = configuration.data?.browser.oidc ?? null

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      queries.setQueryData(sessionQuery.queryKey, await signInWithToken(token.trim()))
      router.history.push(returnTo)
    } catch (error) {
      setProblem(messageOf(error))
      setBusy(false)
    }
  }
  return (
    <main className={styles.page}>
      <div className={styles.box}>
        <h1>
          <img src="/favicon.svg" alt="" width={32} height={32} /> Slipway
        </h1>
        {reason !== undefined && (
          <Notice tone="bad" title="You are not signed in">
            <p>{reasons[reason] ?? reasons.failed}</p>
          </Notice>
        )}
        {oidc !== null && (
          <>
            <a
              className={styles.issuer}
              href={`${oidc.url}?return_to=${encodeURIComponent(returnTo)}`}
            >
              Sign in with {new URL(oidc.issuer).host}
            </a>
            <p className={styles.or}>or</p>
          </>
        )}
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
      </div>
    </main>
  )
}
