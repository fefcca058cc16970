import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DelegatedJobResponse, DelegateJobResponse } from '@slipway/contract/delegations'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  createRunnersApp,
  documentedJob,
  runnerClass,
  type RunnersApp,
} from '../support/runners-app.ts'

const path = '/api/jobs/delegate'
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const envelope = {
  metadata: { timestamp: expect.stringMatching(/^\d{4}-.*Z$/), version: '0.0.0' },
}
let test: RunnersApp

beforeAll(async () => {
  test = await createRunnersApp({
    classes: [
      runnerClass({ repositories: ['owner/*', 'other/repo'] }),
      runnerClass({ name: 'gpu', labels: ['ubuntu-latest', 'gpu'], repositories: ['acme/ml'] }),
    ],
  })
})
afterAll(() => test.close())

const delegate = (body: unknown, token?: string | null) =>
  test.request('POST', path, { body, ...(token === undefined ? {} : { token }) })

describe('POST /api/jobs/delegate', () => {
  it('answers the document’s request as the document does', async () => {
    const answer = await delegate(documentedJob)
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toEqual({
      success: true,
      data: { delegationId: expect.stringMatching(uuid), status: 'queued' },
      ...envelope,
    })
    expect(Value.Check(DelegateJobResponse, answer.json())).toBe(true)
    const id = answer.json().data.delegationId
    expect(answer.headers['location']).toBe(`/api/jobs/${id}`)
    expect(await test.told(id)).toEqual(['queued'])
  })

  it('answers the same attempt at a job with the same delegation, and no second one', async () => {
    const job = { ...documentedJob, runId: 'twice' }
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => delegate(job)))
    const all = [first, ...others]
    const ids = new Set(all.map((answer) => answer?.json().data.delegationId))
    expect(ids.size).toBe(1)
    const codes = all.map((answer) => answer?.statusCode)
    expect([200, 201].map((code) => codes.filter((one) => one === code).length)).toEqual([4, 1])
    const again = await delegate({ ...job, workflow: 'Another' })
    expect([again.statusCode, again.json().data.delegationId]).toEqual([200, [...ids][0]])
    const next = await delegate({ ...job, runAttempt: 2 })
    expect(next.statusCode).toBe(201)
    expect(ids.has(next.json().data.delegationId)).toBe(false)
  })

  it('takes the document’s second request, and one with no more than what is required', async () => {
    const curl = {
      jobId: '123',
      runId: '456',
      repository: 'owner/repo',
      workflow: 'CI',
      runnerName: 'proxy-1',
      labels: ['self-hosted'],
    }
    expect((await delegate(curl)).statusCode).toBe(201)
    const { jobId, runId, repository } = { ...curl, jobId: 'build' }
    const answer = await delegate({ jobId, runId, repository })
    expect(answer.statusCode).toBe(201)
    expect(await test.show(answer.json().data.delegationId)).toMatchObject({
      jobId: 'build',
      githubJobId: null,
      labels: [],
      metadata: { source: 'api', proxyRunner: null },
    })
  })

  it.each([
    [{}, ['/jobId is missing', '/runId is missing', '/repository is missing']],
    [
      { jobId: '', runId: ' ', repository: 'no-owner', labels: 'linux', colour: 'red' },
      [
        '/jobId',
        '/runId must not be blank',
        '/repository must be written as owner/repo',
        '/labels',
      ],
    ],
    [{ ...documentedJob, labels: Array.from({ length: 33 }, (_, n) => `l${n}`) }, ['/labels']],
    [{ ...documentedJob, labels: ['ok', ''] }, ['/labels/1']],
    [{ ...documentedJob, jobId: 123 }, ['/jobId']],
    [{ ...documentedJob, repository: 'owner/../x' }, ['/repository']],
    [{ ...documentedJob, repository: 'a/b/c' }, ['/repository']],
    [{ ...documentedJob, sha: 'a\u0000b' }, ['/sha']],
    [{ ...documentedJob, runAttempt: 0 }, ['/runAttempt']],
    [[], ['']],
  ])('names every problem of %j', async (body, problems) => {
    const answer = await delegate(body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({
      success: false,
      error: expect.any(String),
      code: 'invalid_request',
      ...envelope,
    })
    for (const problem of problems) expect(answer.json().error).toContain(problem)
  })

  it('takes 32 labels', async () => {
    const labels = Array.from({ length: 32 }, (_, n) => `label-${n}`)
    expect((await delegate({ ...documentedJob, runId: '32', labels })).statusCode).toBe(201)
  })

  it('refuses who may not: no token, a wrong one, a viewer, another repository', async () => {
    expect((await delegate(documentedJob, null)).statusCode).toBe(401)
    const wrong = await delegate(documentedJob, 'slw_wrong')
    expect([wrong.statusCode, wrong.json()]).toEqual([
      401,
      {
        success: false,
        error: expect.any(String),
        code: 'authentication_failed',
        ...envelope,
      },
    ])
    expect((await delegate(documentedJob, await test.tokenFor(['viewer']))).statusCode).toBe(403)
    const limited = await test.tokenFor(['developer'], { repositories: ['other/repo'] })
    expect((await delegate(documentedJob, limited)).statusCode).toBe(403)
    const own = { ...documentedJob, repository: 'other/repo' }
    expect((await delegate(own, limited)).statusCode).toBe(201)
    expect((await delegate({ ...own, runId: 's' }, test.serviceToken)).statusCode).toBe(201)
  })

  it('says why nobody serves a job', async () => {
    const reasonFor = async (body: Record<string, unknown>) =>
      (await test.show(await test.delegate(body))).metadata.reason
    expect(await reasonFor({ labels: ['windows', 'docker'] })).toBe(
      'No runner class has the labels windows',
    )
    expect(await reasonFor({ labels: ['gpu'] })).toBe(
      'The runner classes with these labels (gpu) are not for owner/repo',
    )
    expect(await reasonFor({})).toBeNull()
  })

  it('lets a proxy’s hooks mount only what the class lets them, links resolved', async () => {
    const root = await mkdtemp(join(tmpdir(), 'slipway-mounts-'))
    onTestFinished(() => rm(root, { recursive: true }))
    const [allowed, outside] = [join(root, '_work'), join(root, 'secret')]
    await mkdir(join(allowed, 'repo'), { recursive: true })
    await mkdir(outside)
    await symlink(outside, join(allowed, 'link'))
    const own = await createRunnersApp({
      classes: [runnerClass({ mounts: [allowed], images: ['node:20'] })],
    })
    onTestFinished(() => own.close())
    const ask = async (mounts: object[]) => {
      const body = { ...documentedJob, container: { image: 'node:20', mounts } }
      return own.request('POST', path, { body })
    }
    const refused = await ask([
      { source: outside, target: '/x' },
      { source: join(allowed, 'link'), target: '/x' },
      { source: `${allowed}/../secret`, target: '/x' },
      { source: join(allowed, 'repo'), target: '/proc/x' },
      { source: join(allowed, 'missing'), target: 'relative' },
      { source: '/var/run/docker.sock', target: '/x' },
    ])
    expect(refused.statusCode).toBe(400)
    for (const place of ['0/source', '1/source', '2/source', '3/target', '4/target', '5/source']) {
      expect(refused.json().error).toContain(`/container/mounts/${place} `)
    }
    const taken = await ask([{ source: join(allowed, 'repo'), target: '/__w' }])
    expect(taken.statusCode).toBe(201)
    const { delegationId } = taken.json().data
    expect((await own.show(delegationId)).metadata.source).toBe('proxy')
  })
})

describe('GET /api/jobs/:id', () => {
  it('shows a job as the document does, with what is known', async () => {
    const id = await test.delegate({ runId: '789013' })
    const answer = await test.request('GET', `/api/jobs/${id}`)
    expect(answer.statusCode).toBe(200)
    expect(Value.Check(DelegatedJobResponse, answer.json())).toBe(true)
    expect(answer.json()).toEqual({
      success: true,
      data: {
        id,
        githubJobId: 123456,
        jobId: '123456',
        runId: '789013',
        runAttempt: 1,
        repository: 'owner/repo',
        workflow: 'CI/CD Pipeline',
        runnerName: 'proxy-runner-1',
        status: 'queued',
        runnerId: null,
        containerId: null,
        labels: ['self-hosted', 'ubuntu-latest', 'docker'],
        sha: 'abc123def456',
        ref: 'refs/heads/main',
        eventName: 'push',
        actor: 'username',
        exitCode: null,
        startedAt: null,
        completedAt: null,
        metadata: {
          delegatedAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
          proxyRunner: 'proxy-runner-1',
          source: 'proxy',
          runnerClass: 'ubuntu',
          reason: null,
          queuedAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
          assignedAt: null,
          queueMs: null,
          proxyStatus: null,
          attempt: 0,
        },
      },
      ...envelope,
    })
  })

  it('says 404 of an unknown id, and of a hidden job, and 400 of what is no id', async () => {
    const unknown = await test.request('GET', '/api/jobs/550e8400-e29b-41d4-a716-446655440000')
    expect([unknown.statusCode, unknown.json()]).toEqual([
      404,
      {
        success: false,
        error: 'There is no job 550e8400-e29b-41d4-a716-446655440000',
        code: 'resource_not_found',
        ...envelope,
      },
    ])
    const token = await test.tokenFor(['viewer'], { repositories: ['other/repo'] })
    const id = await test.delegate()
    expect((await test.request('GET', `/api/jobs/${id}`, { token })).statusCode).toBe(404)
    for (const bad of ['1', 'urn:uuid:550e8400-e29b-41d4-a716-446655440000', `${id}0`]) {
      expect((await test.request('GET', `/api/jobs/${bad}`)).statusCode, bad).toBe(400)
    }
  })
})
