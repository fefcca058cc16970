import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { Notice } from '../ui/notice.tsx'
import { signInConfigurationQuery } from './session.ts'
import styles from './sign-in-page.module.css'
import { TokenForm } from './token-form.tsx'

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
  try {
    return decodeURIComponent(token)
  } catch {
    return ''
  }
}

/** In by the issuer or by a token, and back to where one came from. */
export function SignInPage() {
  const { return_to: returnTo, sign_in_error: reason } = route.useSearch()
  const router = useRouter()
  const [linked] = useState(takeTokenOfLink)
  const configuration = useQuery(signInConfigurationQuery)
  const oidc = configuration.data?.browser.oidc ?? null
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
        <TokenForm initial={linked} onSignedIn={() => router.history.push(returnTo)} />
      </div>
    </main>
  )
}
