// Which servers may work on one database at the same time.
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let database: TestDatabase
let started: TestServer[]

beforeEach(async () => {
  database = await createTestDatabase()
  started = []
})
afterEach(async () => {
  await Promise.all(started.map((server) => server.close()))
  await database.close()
})

const key = randomBytes(32).toString('hex')
/** What nobody has to reach for a start. */
const shared = {
  SLIPWAY_MASTER_KEY: key,
  GITOPS_REPOSITORY_URL: 'https://git.example.test/ops/gitops.git',
  S3_BUCKET: 'slipway',
  S3_ENDPOINT: 'http://127.0.0.1:9',
  S3_ACCESS_KEY_ID: 'id',
  S3_SECRET_ACCESS_KEY: 'secret',
}

async function start(env: Record<string, string>): Promise<TestServer> {
  const server = await startTestServer({
    DATABASE_URL: database.url,
    SLIPWAY_WORKER_TYPES: '',
    ...env,
  })
  started.push(server)
  return server
}

/** What it says instead of starting. */
async function refusal(env: Record<string, string>): Promise<string> {
  const outcome = await start(env).then(
    () => 'started',
    (error: unknown) => String(error),
  )
  expect(outcome).toContain('ended with 1')
  return outcome
}

const listed = async () => {
  const { rows } = await sql<{ name: string; url: string | null }>`
    select name, url from servers`.execute(database.db)
  return rows
}

describe('a second server', () => {
  it('is told everything at once that keeps it from working beside the first', async () => {
    await start({})
    const said = await refusal({})
    expect(said).toContain('SLIPWAY_MASTER_KEY')
    expect(said).toContain('GITOPS_REPOSITORY_URL')
    expect(said).toContain('S3_BUCKET')
    expect(said).not.toContain('    at ')
  })

  it('starts where all is shared, and both know each other', async () => {
    const first = await start(shared)
    const second = await start({ ...shared, SLIPWAY_INTERNAL_URL: 'http://second.internal:3000' })
    const urls = new Set((await listed()).map(({ url }) => url))
    expect(urls).toEqual(new Set([first.url, 'http://second.internal:3000']))
    // Whoever reads the database learns nothing of the key.
    const { rows } = await sql<object>`select * from servers`.execute(database.db)
    expect(JSON.stringify(rows)).not.toContain(key)
    await second.stop()
    expect((await listed()).map(({ url }) => url)).toEqual([first.url])
  })
})

describe('a server that has died', () => {
  it('is in nobody’s way once it has been silent for a while', async () => {
    const first = await start({})
    await first.kill()
    const starting = start({})
    // As if it had died earlier.
    await sql`update servers set last_seen_at = now() - interval '21 seconds'`.execute(database.db)
    await starting
    expect(await listed()).toHaveLength(2)
  })

  it('is followed at once by the next one of its data directory, whatever has changed', async () => {
    const first = await start(shared)
    await first.kill()
    await first.restart({ SLIPWAY_MASTER_KEY: randomBytes(32).toString('hex') })
    expect(await listed()).toHaveLength(1)
  })
})
