import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/notice.tsx'
import { signInConfigurationQuery, useSignedOut } from './session.ts'
import styles from './sign-in-page.module.css'
import { TokenForm } from './token-form.tsx'

/**
 * Says that the session has ended, over whatever is open, and lets one sign in again in place or in another
 * window: the page below stays as it is, with all that was typed.
 */
export function SignedOutNotice() {
  const signedOut = useSignedOut()
  const [asking, setAsking] = useState(false)
  useEffect(() => setAsking(signedOut), [signedOut])
  const configuration = useQuery({ ...signInConfigurationQuery, enabled: signedOut })
  const oidc = configuration.data?.browser.oidc ?? null
  if (!signedOut) return null
  return (
    <>
      <div className={styles.signedOut}>
        <Notice tone="wait" title="You are signed out.">
          <p>Your session has ended. What you have typed is still here.</p>
          <Button size="small" onClick={() => setAsking(true)}>
            Sign in again
          </Button>
        </Notice>
      </div>
      <Dialog
        title="You are signed out"
        description="Your session has ended. Sign in, and go on where you were: what you have typed is still here."
        open={asking}
        onOpenChange={setAsking}
      >
        {oidc !== null && (
          <>
            <a className={styles.issuer} href="/sign-in" target="_blank" rel="noopener">
              Sign in with {new URL(oidc.issuer).host}, in another window
            </a>
            <p className={styles.or}>or</p>
          </>
        )}
        <TokenForm onSignedIn={() => setAsking(false)} />
      </Dialog>
    </>
  )
}
