// Many deployments in one call: each judged by itself, as `POST /v1/deployments` would.
import { randomUUID } from 'node:crypto'
import type { CreatedToken } from '@slipway/contract/access'
import type { CreateApprovalResponse } from '@slipway/contract/approvals'
import { type BatchPromoteRequest, BatchPromoteResponse } from '@slipway/contract/batch'
import type { Deployment } from '@slipway/contract/deployments'
import type { PlatformError } from '@slipway/contract/errors'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { runCli } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { storeRelease, type StoredRelease } from '../support/stored-release.ts'

let server: TestServer
let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({ DATABASE_URL: database.url })
})
afterAll(async () => {
  await server.close()
  await database.close()
})

const unknown = '0198c5a2-8d4e-7c3a-9f10-000000000001'

async function releases(count: number): Promise<StoredRelease[]> {
  return Promise.all(Array.from({ length: count }, () => storeRelease(database)))
}
async function approve(release: StoredRelease): Promise<string> {
  const body = { release_id: release.id, environment: 'production', justification: 'x' }
  return (await server.json<CreateApprovalResponse>('POST', '/v1/approvals', { body })).approval_id
}
async function promote(body: BatchPromoteRequest): Promise<BatchPromoteResponse> {
  const answer = await server.json('POST', '/v1/batch/promote', { body, expect: 200 })
  expect(Value.Check(BatchPromoteResponse, answer)).toBe(true)
  return answer as BatchPromoteResponse
}

describe('POST /v1/batch/promote', () => {
  it('deploys what may be, and says of each what the single call would', async () => {
    const [approved, bare, foreign] = (await releases(3)) as [
      StoredRelease,
      StoredRelease,
      StoredRelease,
    ]
    const approval = await approve(approved)
    const body = await promote({
      release_ids: [bare.id, approved.id, foreign.id, unknown],
      environment: 'production',
      approval_ids: { [approved.id]: approval, [foreign.id]: approval },
    })
    expect([body.succeeded, body.failed]).toEqual([1, 3])
    const [without, deployed, refused, missing] = body.results
    expect(without).toMatchObject({
      id: bare.id,
      status: 400,
      error: { code: 'invalid_request', details: { reason: 'missing' } },
    })
    expect(deployed).toMatchObject({ id: approved.id, status: 201, result: { status: 'pending' } })
    expect(refused).toMatchObject({
      id: foreign.id,
      status: 403,
      error: { code: 'authorization_failed', details: { reason: 'other_release' } },
    })
    expect(missing).toMatchObject({
      id: unknown,
      status: 404,
      error: { message: `There is no release ${unknown}` },
    })
    const path = `/v1/deployments/${deployed?.result?.id}`
    expect(await server.json<Deployment>('GET', path)).toMatchObject({
      release_id: approved.id,
      environment: 'production',
      gitops_commit_sha: deployed?.result?.gitops_commit_sha,
      approval_ids: [approval],
      deployed_by: 'admin',
    })
  })

  it('deploys many at once, each by a commit of its own, and writes each to the audit log', async () => {
    const ids = (await releases(10)).map(({ id }) => id)
    const body = await promote({ release_ids: ids, environment: 'staging' })
    expect(body.results.map(({ error }) => error)).toEqual(ids.map(() => undefined))
    expect(body.results.map(({ id, status }) => [id, status])).toEqual(ids.map((id) => [id, 201]))
    const commits = new Set(body.results.map(({ result }) => result?.gitops_commit_sha))
    expect(commits.size).toBe(10)
    const { rows } = await database.pool.query<{ resource: string }>(
      `select resource from audit_log where action = 'POST /v1/batch/promote' and outcome = 201`,
    )
    const audited = rows.map(({ resource }) => resource)
    for (const id of ids) expect(audited).toContain(`/v1/releases/${id}?environment=staging`)
  })

  it('refuses approvals of releases that are not to be deployed', async () => {
    const [release] = (await releases(1)) as [StoredRelease]
    const body = {
      release_ids: [release.id],
      environment: 'production',
      approval_ids: { [unknown]: unknown },
    }
    const answer = await server.request('POST', '/v1/batch/promote', { body })
    expect(answer.status).toBe(400)
    const { error } = (await answer.json()) as PlatformError
    expect(error).toMatchObject({
      code: 'invalid_request',
      details: {
        problems: [{ path: `/approval_ids/${unknown}`, message: 'is not among release_ids' }],
      },
    })
  })

  it('names every problem of a wrong body', async () => {
    const body = { release_ids: [], environment: '', approval_ids: { x: 'y' }, force: true }
    const answer = await server.request('POST', '/v1/batch/promote', { body })
    expect(answer.status).toBe(400)
    const { error } = (await answer.json()) as PlatformError
    const problems = error.details?.['problems'] as { path: string }[]
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      '/approval_ids/x',
      '/environment',
      '/force',
      '/release_ids',
    ])
  })

  it('asks for the permission of the single call', async () => {
    const made = { name: `t-${randomUUID()}`, roles: ['approver'] }
    const { token } = await server.json<CreatedToken>('POST', '/v1/tokens', { body: made })
    const body = { release_ids: [unknown], environment: 'staging' }
    const answer = await server.request('POST', '/v1/batch/promote', { body, token })
    expect(answer.status).toBe(403)
    const { error } = (await answer.json()) as PlatformError
    expect(error.details).toEqual({ permission: 'deployments:create' })
  })
})

it('slipway batch promote deploys by the approvals there are', async () => {
  const [approved, bare] = (await releases(2)) as [StoredRelease, StoredRelease]
  await approve(approved)
  const env = { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token }
  const words = ['batch', 'promote', approved.id, bare.id]
  const production = await runCli([...words, '--to', 'production'], { env })
  expect(production.code, production.err).toBe(4)
  expect(production.out).toContain(`✔ ${approved.id}\n✖ ${bare.id}  Deploying to production needs`)
  expect(production.err).toBe('Deployed to production: 1, refused: 1\n')
  const dev = await runCli([...words, '--to', 'dev'], { env })
  expect(dev).toMatchObject({ code: 0, err: 'Deployed to dev: 2\n' })
})
