import { Link } from '@tanstack/react-router'
import type { Deployment } from '@slipway/contract/deployments'
import { Empty } from '../../ui/notice.tsx'
import { Status } from '../../ui/status.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import styles from './overview-page.module.css'

export function DeploymentList({ deployments }: { deployments: readonly Deployment[] }) {
  if (deployments.length === 0) return <Empty title="Nothing has been deployed yet." />
  return (
    <ul className={styles.list}>
      {deployments.map((deployment) => (
        <li key={deployment.id}>
          <Status value={deployment.status} compact />
          <span className={styles.what}>
            <Link to="/board" search={{ search: `${deployment.repository}/${deployment.project}` }}>
              {deployment.project} #{deployment.release_number} → {deployment.environment}
            </Link>
            <span className={styles.soft} dir="auto">
              {deployment.rollback ? 'back to it, ' : ''}by {deployment.deployed_by}
            </span>
          </span>
          <span className={styles.soft}>
            <TimeAgo at={deployment.deployed_at} />
          </span>
        </li>
      ))}
    </ul>
  )
}
