import { UpdateDelegatedJobResponse } from '@slipway/contract/delegations'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRunnersApp, type RunnersApp } from '../support/runners-app.ts'

let test: RunnersApp
const unknown = '550e8400-e29b-41d4-a716-446655440000'

beforeAll(async () => {
  test = await createRunnersApp()
})
afterAll(() => test.close())

const complete = (id: string, body: object, token = test.serviceToken) =>
  test.request('POST', `/api/jobs/${id}/proxy-complete`, { body, token })
const cancel = (id: string, token?: string) =>
  test.request('POST', `/api/jobs/${id}/cancel`, token === undefined ? {} : { token })

describe('PATCH /api/jobs/:id/status', () => {
  it('answers the document’s request as the document does', async () => {
    const id = await test.delegate()
    const body = { status: 'running', runnerId: 'runner-uuid', containerId: 'container-id' }
    const answer = await test.report(id, body)
    expect(answer.statusCode, answer.body).toBe(200)
    expect(answer.json()).toEqual({
      success: true,
      data: { id, status: 'running', updatedAt: expect.stringMatching(/\.\d{3}Z$/) },
      metadata: { timestamp: expect.any(String), version: '0.0.0' },
    })
    expect(Value.Check(UpdateDelegatedJobResponse, answer.json())).toBe(true)
    const job = await test.show(id)
    expect(job).toMatchObject({
      status: 'running',
      runnerId: 'runner-uuid',
      containerId: 'container-id',
      startedAt: answer.json().data.updatedAt,
    })
    const waited = Date.parse(job.startedAt ?? '') - Date.parse(job.metadata.queuedAt)
    expect(job.metadata.queueMs).toBe(waited)
  })

  it('goes forward only, and repeats harmlessly', async () => {
    const id = await test.delegate()
    const statuses = async (...all: string[]) => {
      const codes: number[] = []
      for (const status of all) codes.push((await test.report(id, { status })).statusCode)
      return codes
    }
    expect(await statuses('queued', 'assigned', 'assigned', 'queued')).toEqual([200, 200, 200, 409])
    expect(await statuses('running', 'running', 'assigned', 'queued')).toEqual([200, 200, 409, 409])
    const ended = await test.report(id, { status: 'failed', exitCode: 3, reason: 'no disk' })
    expect(ended.statusCode).toBe(200)
    expect(await statuses('failed', 'completed', 'running', 'cancelled')).toEqual([
      200, 409, 409, 409,
    ])
    expect(await test.show(id)).toMatchObject({
      status: 'failed',
      exitCode: 3,
      completedAt: expect.any(String),
      metadata: { reason: 'no disk', assignedAt: expect.any(String) },
    })
    expect(await test.told(id)).toEqual(['queued', 'assigned', 'running', 'failed'])
    const refused = await test.report(id, { status: 'running' })
    expect(refused.json()).toMatchObject({
      success: false,
      error: 'The job is failed and cannot become running',
      code: 'resource_conflict',
    })
  })

  it('is for service accounts alone', async () => {
    const id = await test.delegate()
    for (const role of ['admin', 'operator', 'developer']) {
      const token = await test.tokenFor([role])
      const body = { status: 'running' }
      const answer = await test.request('PATCH', `/api/jobs/${id}/status`, { body, token })
      expect(answer.statusCode, role).toBe(403)
    }
    expect((await test.show(id)).status).toBe('queued')
  })

  it('refuses what it does not know', async () => {
    const id = await test.delegate()
    expect((await test.report(unknown, { status: 'running' })).statusCode).toBe(404)
    expect((await test.report('1', { status: 'running' })).statusCode).toBe(400)
    const answer = await test.report(id, { status: 'sleeping', exitCode: 'x', colour: 'red' })
    expect(answer.statusCode).toBe(400)
    for (const problem of ['/status', '/exitCode', '/colour']) {
      expect(answer.json().error).toContain(problem)
    }
    const limited = await test.tokenFor(['admin', 'service-account'], { repositories: ['a/b'] })
    const hidden = { body: { status: 'running' }, token: limited }
    expect((await test.request('PATCH', `/api/jobs/${id}/status`, hidden)).statusCode).toBe(404)
  })
})

describe('POST /api/jobs/:id/proxy-complete', () => {
  it('answers the document’s request, and does not end a job that runs', async () => {
    const id = await test.delegate({ runId: '789012' })
    await test.report(id, { status: 'running', containerId: 'c' })
    const body = { status: 'completed', runId: '789012', jobId: '123456' }
    const answer = await complete(id, body)
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { success: true, metadata: { timestamp: expect.any(String), version: '0.0.0' } },
    ])
    expect((await complete(id, body)).statusCode).toBe(200)
    expect(await test.show(id)).toMatchObject({
      status: 'running',
      completedAt: null,
      metadata: { proxyStatus: 'completed' },
    })
    const other = await complete(id, { status: 'failed' })
    expect(other.statusCode).toBe(409)
  })

  it('ends what no container was begun for', async () => {
    const id = await test.delegate()
    expect((await complete(id, { status: 'failed' })).statusCode).toBe(200)
    expect(await test.show(id)).toMatchObject({
      status: 'failed',
      metadata: { proxyStatus: 'failed', reason: 'The proxy said so before a container ran' },
    })
  })

  it('takes the job by each of its names', async () => {
    const id = await test.delegate({ jobName: 'build' })
    const { jobId, githubJobId } = await test.show(id)
    expect([jobId, githubJobId]).toEqual(['build', 123456])
    await test.report(id, { status: 'running' })
    for (const name of ['build', '123456']) {
      const answer = await complete(id, { status: 'completed', jobId: name })
      expect(answer.statusCode, answer.body).toBe(200)
    }
    const other = await test.delegate({ jobId: 'build' })
    expect((await complete(other, { status: 'completed', jobId: 'null' })).statusCode).toBe(409)
  })

  it('refuses another job’s ids, other words, and unknown jobs', async () => {
    const id = await test.delegate()
    expect((await complete(id, { status: 'completed', runId: 'x' })).statusCode).toBe(409)
    expect((await complete(id, { status: 'completed', jobId: 'x' })).statusCode).toBe(409)
    expect((await complete(id, { status: 'running' })).statusCode).toBe(400)
    expect((await complete(id, {})).statusCode).toBe(400)
    expect((await complete(unknown, { status: 'completed' })).statusCode).toBe(404)
    const token = await test.tokenFor(['viewer'])
    expect((await complete(id, { status: 'completed' }, token)).statusCode).toBe(403)
    expect((await test.show(id)).status).toBe('queued')
  })
})

describe('POST /api/jobs/:id/cancel', () => {
  it('cancels once, and says so again', async () => {
    const id = await test.delegate()
    for (const _ of [1, 2]) {
      const answer = await cancel(id)
      expect(answer.statusCode).toBe(200)
      expect(answer.json()).toMatchObject({
        success: true,
        data: { id, status: 'cancelled', metadata: { reason: 'Cancelled by admin' } },
      })
    }
    expect(await test.told(id)).toEqual(['queued', 'cancelled'])
  })

  it('leaves what has ended as it is', async () => {
    const id = await test.delegate()
    await test.report(id, { status: 'completed' })
    expect((await cancel(id)).statusCode).toBe(409)
    expect((await cancel(unknown)).statusCode).toBe(404)
    expect((await cancel(id, await test.tokenFor(['viewer']))).statusCode).toBe(403)
    expect((await test.show(id)).status).toBe('completed')
  })
})
