import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'

export interface StoredRelease {
  id: string
  repository: string
  project: string
  commit: string
}

/** A release as a run would leave it, in its row alone: for what does not ask where it came from. */
export async function storeRelease(
  database: { pool: Pool },
  over: {
    repository?: string
    project?: string
    /** What its commit's `.forge` says: `EnvironmentConfig[]`. */
    environments?: object[]
    triggerType?: string
    branch?: string | null
  } = {},
): Promise<StoredRelease> {
  const release = {
    id: randomUUID(),
    repository: over.repository ?? 'mycompany/myrepo',
    project: over.project ?? `p-${randomUUID()}`,
    commit: randomUUID().replaceAll('-', '') + '00000000',
  }
  await database.pool.query(
    `insert into releases (id, repository, project, commit_sha, release_number, oci_uri, oci_digest,
       trigger_type, branch, triggered_by, created_by, environments, resources)
     values ($1, $2, $3, $4, 1, 'example.com/x:1', 'sha256:00', $5, $6, 'alice', 'alice', $7, '[]')`,
    [
      release.id,
      release.repository,
      release.project,
      release.commit,
      over.triggerType ?? 'branch_push',
      over.branch === undefined ? 'main' : over.branch,
      JSON.stringify(over.environments ?? []),
    ],
  )
  return release
}

/** What a commit's `.forge` says of one environment, as discovery leaves it. */
export function forgeEnvironment(
  name: string,
  over: { approval?: object } & Record<string, unknown> = {},
): object {
  const { approval, ...rest } = over
  return {
    name,
    approval: {
      required: null,
      approvals: null,
      roles: null,
      expiresMs: null,
      selfApproval: null,
      ...approval,
    },
    branches: null,
    triggers: null,
    autoDeploy: null,
    logRetentionDays: null,
    ...rest,
  }
}
