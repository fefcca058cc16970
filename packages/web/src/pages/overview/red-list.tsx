import { Link } from '@tanstack/react-router'
import type { RedPipeline } from '@slipway/contract/overview'
import { refName } from '../../format/git.ts'
import { Empty } from '../../ui/notice.tsx'
import { Status } from '../../ui/status.tsx'
import { SinceTime } from '../../ui/time.tsx'
import styles from './overview-page.module.css'

const most = 5

export function RedList({ red }: { red: readonly RedPipeline[] }) {
  if (red.length === 0) return <Empty title="Nothing is red." />
  return (
    <ul className={styles.list}>
      {red.slice(0, most).map((pipeline) => (
        <li key={`${pipeline.kind} ${pipeline.id}`}>
          <Status value="failed" compact />
          <span className={styles.what}>
            <RedLink pipeline={pipeline} />
            <span className={styles.soft} dir="auto">
              {[pipeline.name, refName(pipeline.branch)].filter(Boolean).join(' · ')}
            </span>
          </span>
          <span className={styles.soft}>
            red <SinceTime at={pipeline.since} />
          </span>
        </li>
      ))}
      {red.length > most && <li className={styles.soft}>and {red.length - most} more</li>}
    </ul>
  )
}

function RedLink({ pipeline }: { pipeline: RedPipeline }) {
  if (pipeline.url !== null) {
    return (
      <a href={pipeline.url} rel="noreferrer" target="_blank">
        {pipeline.repository}
      </a>
    )
  }
  return (
    <Link to="/runs/$id" params={{ id: pipeline.id }}>
      {pipeline.repository}
    </Link>
  )
}
