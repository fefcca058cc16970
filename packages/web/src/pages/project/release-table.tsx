import type { ReleaseSummary } from '@slipway/contract/releases'
import { shortCommit } from '../../format/git.ts'
import { useMay } from '../../session/session.ts'
import { Button } from '../../ui/button.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { TimeAgo } from '../../ui/time.tsx'
import styles from './project-page.module.css'

export function ReleaseTable({
  releases,
  environments,
  onDeploy,
}: {
  releases: readonly ReleaseSummary[]
  environments: readonly string[]
  onDeploy: (release: ReleaseSummary, environment: string) => void
}) {
  const may = useMay()
  const columns: Column<ReleaseSummary>[] = [
    { title: 'Release', cell: (release) => <strong>#{release.release_number}</strong> },
    { title: 'Commit', cell: (release) => <code>{shortCommit(release.commit_sha)}</code> },
    { title: 'Made', cell: (release) => <TimeAgo at={release.created_at} /> },
  ]
  if (may('deployments:create')) {
    columns.push({
      title: 'Deploy to',
      cell: (release) => (
        <span className={styles.targets}>
          {environments.map((environment) => (
            <Button
              key={environment}
              size="small"
              aria-label={`Deploy #${release.release_number} to ${environment}`}
              onClick={() => onDeploy(release, environment)}
            >
              {environment}
            </Button>
          ))}
        </span>
      ),
      align: 'end',
    })
  }
  return <Table label="Releases" columns={columns} rows={releases} keyOf={(row) => row.id} />
}
