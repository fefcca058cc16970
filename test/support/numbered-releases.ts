import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'

export interface NewRelease {
  repository: string
  project: string
  resources: object[]
  /** What its commit's `.forge` says: `EnvironmentConfig[]`. */
  environments: object[]
  aliases: { alias: string; type: 'tag' | 'branch' | 'custom' }[]
  branch: string | null
  trigger: 'branch_push' | 'tag' | 'manual'
}

export interface ReleaseRow {
  id: string
  number: number
  commit: string
  repository: string
  project: string
}

/** A Deployment and a Service, as `.forge` gives them with artifacts resolved. */
function someResources(image: string): object[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'api' },
      spec: { ports: [{ port: 80 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'api', labels: { app: 'api' } },
      spec: { replicas: 1, template: { spec: { containers: [{ name: 'api', image }] } } },
    },
  ]
}

/** Releases as runs would leave them, in their rows alone; numbers go up in each project. */
export function numberedReleases(database: { pool: Pool }): {
  add(over?: Partial<NewRelease>): Promise<ReleaseRow>
} {
  const numbers = new Map<string, number>()
  return {
    async add(over = {}) {
      const { repository = 'acme/shop', project = 'api', trigger = 'branch_push' } = over
      const number = (numbers.get(`${repository}/${project}`) ?? 0) + 1
      numbers.set(`${repository}/${project}`, number)
      const row = { id: randomUUID(), number, commit: someCommit(), repository, project }
      await database.pool.query(
        `insert into releases (id, repository, project, commit_sha, release_number, oci_uri,
           oci_digest, trigger_type, branch, triggered_by, created_by, environments, resources)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'alice@company.com', 'worker', $11, $10)`,
        [
          row.id,
          repository,
          project,
          row.commit,
          number,
          `registry.example.com/${repository}/${project}:${row.commit}`,
          `sha256:${'ab'.repeat(32)}`,
          trigger,
          over.branch === undefined ? 'main' : over.branch,
          JSON.stringify(over.resources ?? someResources(`example.com/api:${number}`)),
          JSON.stringify(over.environments ?? []),
        ],
      )
      for (const { alias, type } of over.aliases ?? []) {
        await database.pool.query(
          `insert into release_aliases (repository, project, alias, alias_type, release_id, created_by)
           values ($1, $2, $3, $4, $5, 'alice')`,
          [repository, project, alias, type, row.id],
        )
      }
      return row
    },
  }
}

function someCommit(): string {
  return `${randomUUID()}${randomUUID()}`.replaceAll('-', '').slice(0, 40)
}
