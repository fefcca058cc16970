import type { WaitingRelease } from '@slipway/contract/overview'
import { useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { Empty } from '../../ui/notice.tsx'
import { Status } from '../../ui/status.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import { DeployDialog } from '../board/deploy-dialog.tsx'
import styles from './overview-page.module.css'

export function WaitingList({ waiting }: { waiting: readonly WaitingRelease[] }) {
  const [opened, setOpened] = useState<WaitingRelease | null>(null)
  if (waiting.length === 0) return <Empty title="Nothing waits for an approval." />
  return (
    <>
      <ul className={styles.list}>
        {waiting.map((one) => (
          <li key={`${one.release.id} ${one.environment}`}>
            <Status value="waiting" compact />
            <span className={styles.what}>
              <strong dir="auto">
                {one.project} #{one.release.release_number} → {one.environment}
              </strong>
              <span className={styles.soft}>
                {one.repository} · {one.given} of {one.required} ·{' '}
                <TimeAgo at={one.release.created_at} />
              </span>
            </span>
            <Button size="small" onClick={() => setOpened(one)}>
              {one.may_approve ? 'Approve' : 'Look'}
            </Button>
          </li>
        ))}
      </ul>
      {opened !== null && (
        <DeployDialog
          releaseId={opened.release.id}
          title={`${opened.project} #${opened.release.release_number}`}
          environment={opened.environment}
          onClose={() => setOpened(null)}
        />
      )}
    </>
  )
}
