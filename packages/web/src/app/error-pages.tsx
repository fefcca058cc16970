import { Link } from '@tanstack/react-router'
import { messageOf } from '../api/client.ts'
import { Button } from '../ui/button.tsx'
import { Empty } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'

export function MissingPage() {
  return (
    <Page title="Not found">
      <Empty title="There is nothing here.">
        <Link to="/">Go to the overview</Link>
      </Empty>
    </Page>
  )
}

export function BrokenPage({ error }: { error: unknown }) {
  return (
    <Page title="This page failed">
      <Empty title={messageOf(error)}>
        <Button onClick={() => location.reload()}>Load it again</Button>
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
