// Many calls in one: each item judged by itself, as the single call would.
import { randomUUID } from 'node:crypto'
import { BatchApproveResponse, BatchCancelResponse } from '@slipway/contract/batch'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApprovalsApp, createApprovalsApp } from '../support/approvals-app.ts'
import { storeRelease } from '../support/stored-release.ts'

let test: ApprovalsApp
beforeAll(async () => {
  test = await createApprovalsApp()
})
afterAll(() => test.close())

const unknown = '0198c5a2-8d4e-7c3a-9f10-000000000001'

async function startRun(repository = 'mycompany/myrepo'): Promise<string> {
  const commit_sha = randomUUID().replaceAll('-', '')
  const body = { repository, branch: 'main', commit_sha, trigger_type: 'push' }
  return (await test.request('POST', '/v1/runs', { body })).json<{ id: string }>().id
}

async function batch<T>(what: string, body: object, token?: string): Promise<T> {
  const path = `/v1/batch/${what}`
  const answer = await test.request('POST', path, {
    body,
    ...(token === undefined ? {} : { token }),
  })
  expect(answer.statusCode, answer.body).toBe(200)
  return answer.json()
}

async function audited(action: string) {
  const { rows } = await test.database.pool.query<{ resource: string; outcome: number }>(
    'select resource, outcome from audit_log where action = $1 order by id',
    [action],
  )
  return rows
}

describe('POST /v1/batch/cancel', () => {
  it('cancels what can be, and says of each what the single call would', async () => {
    const first = await startRun()
    const finished = await startRun()
    await test.database.pool.query(
      `update runs set status = 'success', completed_at = now() where id = $1`,
      [finished],
    )
    const cancelled = await startRun()
    await test.request('DELETE', `/v1/runs/${cancelled}`)
    const run_ids = [finished, first, unknown, cancelled]
    const body = await batch<BatchCancelResponse>('cancel', { run_ids })
    expect(Value.Check(BatchCancelResponse, body)).toBe(true)
    expect(body).toEqual({
      results: [
        {
          id: finished,
          status: 409,
          error: {
            code: 'resource_conflict',
            message: 'The run has already ended as success',
            details: { status: 'success' },
          },
        },
        { id: first, status: 204 },
        {
          id: unknown,
          status: 404,
          error: { code: 'resource_not_found', message: `There is no run ${unknown}` },
        },
        { id: cancelled, status: 204 },
      ],
      succeeded: 2,
      failed: 2,
    })
    const run = await test.request('GET', `/v1/runs/${first}`)
    expect(run.json()).toMatchObject({ status: 'cancelled', message: 'Cancelled by admin' })
  })

  it('does not know the runs that a limited token cannot see', async () => {
    const [mine, hidden] = [await startRun('acme/mine'), await startRun('acme/hidden')]
    const token = await test.tokenFor(['developer'], { repositories: ['acme/mine'] })
    const body = await batch<BatchCancelResponse>('cancel', { run_ids: [mine, hidden] }, token)
    expect(body.results.map(({ status }) => status)).toEqual([204, 404])
  })

  it('writes each item to the audit log with its own outcome', async () => {
    const id = await startRun()
    await batch('cancel', { run_ids: [id, unknown] })
    const entries = await audited('POST /v1/batch/cancel')
    expect(entries).toEqual(
      expect.arrayContaining([
        { resource: `/v1/runs/${id}`, outcome: 204 },
        { resource: `/v1/runs/${unknown}`, outcome: 404 },
        { resource: '/v1/batch/cancel', outcome: 200 },
      ]),
    )
  })

  it('takes a hundred at once', async () => {
    const run_ids = Array.from({ length: 100 }, () => randomUUID())
    const body = await batch<BatchCancelResponse>('cancel', { run_ids })
    expect(body.results.map(({ id }) => id)).toEqual(run_ids)
    expect([body.succeeded, body.failed]).toEqual([0, 100])
  })

  it.each<[string, object]>([
    ['none', { run_ids: [] }],
    ['101', { run_ids: Array.from({ length: 101 }, () => randomUUID()) }],
    ['one twice', { run_ids: [unknown, unknown] }],
    ['what is no id', { run_ids: ['42'] }],
    ['nothing', {}],
    ['more', { run_ids: [unknown], force: true }],
  ])('refuses %s', async (_what, body) => {
    const answer = await test.request('POST', '/v1/batch/cancel', { body })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error.code).toBe('invalid_request')
  })

  it('asks for the permission of the single call', async () => {
    const token = await test.tokenFor(['approver'])
    const body = { run_ids: [unknown] }
    const answer = await test.request('POST', '/v1/batch/cancel', { body, token })
    expect(answer.statusCode).toBe(403)
    expect(answer.json().error.details).toEqual({ permission: 'runs:cancel' })
  })
})

describe('POST /v1/batch/approve', () => {
  const why = { environment: 'production', justification: 'The whole of sprint 12.' }

  it('approves what can be, and says of each what the single call would', async () => {
    const [first, second] = [await storeRelease(test.database), await storeRelease(test.database)]
    const before = await test.approved(first.id)
    const release_ids = [first.id, unknown, second.id]
    const body = await batch<BatchApproveResponse>('approve', { ...why, release_ids })
    expect(Value.Check(BatchApproveResponse, body)).toBe(true)
    const [refused, missing, approved] = body.results
    expect(refused).toMatchObject({
      id: first.id,
      status: 409,
      error: { code: 'resource_conflict', details: { approval_id: before.approval_id } },
    })
    expect(missing).toMatchObject({ id: unknown, status: 404 })
    expect(approved).toMatchObject({
      id: second.id,
      status: 201,
      result: { approver: 'admin', status: 'active' },
    })
    expect([body.succeeded, body.failed]).toEqual([1, 2])
    expect(await test.shown(second.id)).toMatchObject({
      approval_id: approved?.result?.approval_id,
      justification: why.justification,
    })
    expect(await test.eventsOf(second.id)).toHaveLength(1)
    expect(await audited('POST /v1/batch/approve')).toEqual(
      expect.arrayContaining([
        { resource: `/v1/approvals/${second.id}/production`, outcome: 201 },
        { resource: `/v1/approvals/${unknown}/production`, outcome: 404 },
      ]),
    )
  })

  it('leaves the policy of each release as it is', async () => {
    const { id } = await storeRelease(test.database)
    const token = await test.tokenFor(['developer'])
    const body = await batch<BatchApproveResponse>('approve', { ...why, release_ids: [id] }, token)
    expect(body.results).toMatchObject([
      { status: 403, error: { details: { reason: 'role_not_allowed' } } },
    ])
    const elsewhere = { ...why, environment: 'prod', release_ids: [id] }
    expect((await batch<BatchApproveResponse>('approve', elsewhere)).results).toMatchObject([
      { status: 400, error: { code: 'invalid_request', details: { environment: 'prod' } } },
    ])
  })

  it('names every problem of a wrong body', async () => {
    const body = { release_ids: ['x'], environment: '', justification: '', by: 'me' }
    const answer = await test.request('POST', '/v1/batch/approve', { body })
    expect(answer.statusCode).toBe(400)
    const paths = answer.json().error.details.problems.map(({ path }: { path: string }) => path)
    expect(paths.toSorted()).toEqual(['/by', '/environment', '/justification', '/release_ids/0'])
  })
})

it('an item that fails in a way nobody foresaw is told of as little as a request would be', async () => {
  const { id } = await storeRelease(test.database)
  await test.database.pool.query(`update releases set environments = '{}' where id = $1`, [id])
  const release_ids = [id]
  const body = { release_ids, environment: 'production', justification: 'x' }
  const { results } = await batch<BatchApproveResponse>('approve', body)
  expect(results).toEqual([
    {
      id,
      status: 500,
      error: {
        code: 'internal_error',
        message: 'Something went wrong on our side',
        details: { request_id: expect.any(String) },
      },
    },
  ])
  expect(test.logged.join()).toContain('An item of a batch failed')
})
