import { randomUUID } from 'node:crypto'
import type { CreatedToken } from '@slipway/contract/access'
import type { CreateDeploymentResponse, Deployment } from '@slipway/contract/deployments'
import { expect } from 'vitest'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { type NewRelease, numberedReleases, type ReleaseRow } from './numbered-releases.ts'
import { startTestServer, type TestServer } from './server.ts'

/** A server whose database the test can look into, and put releases into. */
export interface DeploymentWorld {
  readonly server: TestServer
  readonly database: TestDatabase
  /** A release as a run would leave it, in its rows alone. Numbers go up in its project. */
  release(over?: Partial<NewRelease>): Promise<ReleaseRow>
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
  const releases = numberedReleases(database)
  const get = (id: string) => server.json<Deployment>('GET', `/v1/deployments/${id}`)

  return {
    server,
    database,
    get,
    release: (over) => releases.add(over),
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
