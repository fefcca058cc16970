import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createTestDatabase, type TestDatabase } from './database.ts'
import type { TestS3 } from './radosgw.ts'
import { createBucket, type TestBucket } from './s3-bucket.ts'
import { startTestServer, type TestServer } from './server.ts'

const run = promisify(execFile)

/** Real servers that share a database, a bucket, a GitOps repository and a master key. */
export interface ServerGroup {
  database: TestDatabase
  bucket: TestBucket
  /** Where the repositories of all of them are. */
  repositories: string
  /** What all of them have in common. */
  env: Record<string, string>
  /** Another one. */
  start(more?: Record<string, string>): Promise<TestServer>
  close(): Promise<void>
}

export async function createServerGroup(s3: TestS3, name: string): Promise<ServerGroup> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-group-'))
  const repositories = join(root, 'repositories')
  const gitops = join(root, 'gitops.git')
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', gitops])
  const database = await createTestDatabase()
  const bucket = await createBucket(s3, name)
  const servers: TestServer[] = []
  const env = {
    DATABASE_URL: database.url,
    SLIPWAY_MASTER_KEY: randomBytes(32).toString('hex'),
    GITOPS_REPOSITORY_URL: `file://${gitops}`,
    GIT_BASE_URL: `file://${repositories}`,
    SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
    ...bucket.env,
  }
  return {
    database,
    bucket,
    repositories,
    env,
    async start(more = {}) {
      const server = await startTestServer({ ...env, ...more })
      servers.push(server)
      return server
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()))
      bucket.close()
      await database.close()
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
