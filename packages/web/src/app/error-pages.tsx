import { Link, useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { messageOf } from '../api/client.ts'
import { PartError } from '../api/load-part.ts'
import { Button } from '../ui/button.tsx'
import { Empty } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'
import { loadAnewOnce } from './load-anew-once.ts'

/** Milliseconds between tries to load a page of a server that was away. */
const retryMs = 5_000

export function MissingPage() {
  return (
    <Page title="Not found">
      <Empty title="There is nothing here.">
        <Link to="/">Go to the overview</Link>
      </Empty>
    </Page>
  )
}

/**
 * Instead of a page that failed. One that could not be loaded since the server was away comes by itself when
 * it is back; one that an upgrade has replaced is loaded anew with all others.
 */
export function BrokenPage({ error }: { error: unknown }) {
  const router = useRouter()
  const missing = error instanceof PartError ? error.reason : undefined
  const again = () => void router.invalidate()
  useEffect(() => {
    if (missing === 'gone') loadAnewOnce()
    if (missing !== 'away') return undefined
    const timer = setTimeout(() => void router.invalidate(), retryMs)
    return () => clearTimeout(timer)
  }, [error, missing, router])
  return (
    <Page title="This page failed">
      <Empty title={messageOf(error)}>
        <Button onClick={missing === 'away' ? again : () => location.reload()}>
          Load it again
        </Button>
      </Empty>
    </Page>
  )
}

/** The same where there is no shell around it. */
export function BrokenDocument({ error }: { error: unknown }) {
  return (
    <main>
      <BrokenPage error={error} />
    </main>
  )
}
