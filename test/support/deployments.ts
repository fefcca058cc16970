import { randomUUID } from 'node:crypto'
import type { CreatedToken } from '@slipway/contract/access'
import type { CreateDeploymentResponse, Deployment } from '@slipway/contract/deployments'
import { expect } from 'vitest'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { startTestServer, type TestServer } from './server.ts'

/** A server whose database the test can look into, and put releases into. */
export interface DeploymentWorld {
  readonly server: TestServer
  readonly database: TestDatabase
  /** A release as a run would leave it, in its rows alone. Numbers go up in its project. */
  release(over?: Partial<ReleaseInput>): Promise<ReleaseRow>
  deploy(
    releaseId: string,
    environment?: string,
    options?: { token?: string; expect?: number },
  ): Promise<CreateDeploymentResponse>
  get(id: string): Promise<Deployment>
  /** Waits until the deployment has this status. */
  reaches(id: string, status: Deployment['status']): Promise<Deployment>
  events(type: string): Promise<{ repository: string; data: Record<string, unknown> }[]>
  token(roles: string[], repositories?: string[]): Promise<string>
  close(): Promise<void>
}

interface ReleaseInput {
  repository: string
  project: string
  resources: object[]
  aliases: { alias: string; type: 'tag' | 'branch' | 'custom' }[]
  branch: string | null
  trigger: 'branch_push' | 'tag' | 'manual'
  /** Whether its creation is told: that is what makes the server deploy by itself. */
  announced: boolean
}

export interface ReleaseRow {
  id: string
  number: number
  commit: string
  repository: string
  project: string
}

/** A Deployment and a Service, as `.forge` gives them with artifacts resolved. */
export function someResources(image: string): object[] {
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

export async function createDeploymentWorld(
  env: Record<string, string> = {},
): Promise<DeploymentWorld> {
  const database = await createTestDatabase()
  let server: TestServer
  try {
    server = await startTestServer({ DATABASE_URL: database.url, ...env })
  } catch (error) {
    await database.close()
    throw error
  }
  const numbers = new Map<string, number>()
  const get = (id: string) => server.json<Deployment>('GET', `/v1/deployments/${id}`)

  return {
    server,
    database,
    get,
    async release(over = {}) {
      const { repository = 'acme/shop', project = 'api', trigger = 'branch_push' } = over
      const number = (numbers.get(`${repository}/${project}`) ?? 0) + 1
      numbers.set(`${repository}/${project}`, number)
      const row = { id: randomUUID(), number, commit: someCommit(), repository, project }
      await database.pool.query(
        `insert into releases (id, repository, project, commit_sha, release_number, oci_uri,
           oci_digest, trigger_type, branch, triggered_by, created_by, environments, resources)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'alice@company.com', 'worker', '[]', $10)`,
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
        ],
      )
      for (const { alias, type } of over.aliases ?? []) {
        await database.pool.query(
          `insert into release_aliases (repository, project, alias, alias_type, release_id, created_by)
           values ($1, $2, $3, $4, $5, 'alice')`,
          [repository, project, alias, type, row.id],
        )
      }
      if (over.announced === true) {
        await database.pool.query(
          `insert into events (event_type, repository, occurred_at, data)
           values ('release.created', $1, now(), $2)`,
          [repository, JSON.stringify({ release_id: row.id })],
        )
      }
      return row
    },
    deploy: (release_id, environment = 'staging', options = {}) =>
      server.json('POST', '/v1/deployments', { body: { release_id, environment }, ...options }),
    async reaches(id, status) {
      await expect.poll(async () => (await get(id)).status, { timeout: 15_000 }).toBe(status)
      return get(id)
    },
    async events(type) {
      const { rows } = await database.pool.query<{
        repository: string
        data: Record<string, unknown>
      }>('select repository, data from events where event_type = $1 order by id', [type])
      return rows
    },
    async token(roles, repositories) {
      const body = { name: randomUUID(), roles, ...(repositories ? { repositories } : {}) }
      return (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
    },
    async close() {
      await server.close()
      await database.close()
    },
  }
}

function someCommit(): string {
  return `${randomUUID()}${randomUUID()}`.replaceAll('-', '').slice(0, 40)
}
