import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import type { Build, ExecuteBuildResponse } from '@slipway/contract/builds'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createBuildControl } from '../../packages/server/src/builds/index.ts'
import { listenSignals } from '../../packages/server/src/db/listen-signals.ts'
import { createEventFeed, startEventRelay } from '../../packages/server/src/events/index.ts'
import {
  type BuildsApp,
  createBuildsApp,
  runsPath,
  stepLimits,
  storeZip,
} from '../support/builds-app.ts'
import { quietLog } from '../support/quiet-log.ts'

let test: BuildsApp
beforeEach(async () => void (test = await createBuildsApp()))
afterEach(() => test.close())

const execute = (id: number, query = '', headers: Record<string, string> = {}) =>
  test.request('POST', `${runsPath}/${id}/execute${query}`, { headers })
const act = (id: number, action: string, token?: string) =>
  test.request('POST', `${runsPath}/${id}/${action}`, token === undefined ? {} : { token })
const events = async (type: string) => {
  const { rows } = await test.database.pool.query<{ data: Record<string, unknown> }>(
    'select data from events where event_type = $1 order by id',
    [type],
  )
  return rows.map(({ data }) => data)
}

describe('POST /api/pipelines/runs/{id}/execute', () => {
  it('answers with the end of the build, as the document shows it', async () => {
    const { id } = await test.create()
    const answered = execute(id)
    const worker = await test.take()
    const attempt = await worker.begin()
    expect(attempt).toMatchObject({
      buildId: id,
      number: 1,
      logKey: `builds/${id}/logs/build.log`,
      steps: ['clone_repo', 'create_zip'],
      outputType: 'zip',
      repository: {
        name: 'open-webui/open-webui',
        isOfficial: true,
        remote: { url: 'https://github.com/open-webui/open-webui.git' },
        ref: 'main',
      },
      branding: null,
      configuration: null,
      registry: null,
    })
    expect(await test.show(id)).toMatchObject({
      status: 'running',
      attempt: 1,
      executed_at: expect.any(String),
    })
    await worker.report('clone_repo', 'running', 40)
    await test.control.reportBuildStep({
      ...worker,
      step: 'clone_repo',
      status: 'completed',
      progress: 100,
      commitSha: 'a'.repeat(40),
    })
    await worker.report('create_zip', 'running')
    const zip = await storeZip(test, attempt, Buffer.from('zip'))
    await worker.complete({ status: 'completed', outputs: [zip] })
    const answer = await answered
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      success: true,
      execution_result: {
        success: true,
        message: 'Pipeline completed successfully with 1 output(s)',
        status: 'completed',
        failure_reason: null,
      },
    })
    const build = await test.show(id)
    expect(build).toMatchObject({
      status: 'completed',
      completed_at: expect.any(String),
      commit_sha: 'a'.repeat(40),
      failure_reason: null,
    })
    expect(build.steps.map(({ key, status, progress }) => [key, status, progress])).toEqual([
      ['clone_repo', 'completed', 100],
      ['create_zip', 'completed', null],
    ])
    expect(await events('build.started')).toEqual([
      { build_id: id, repository: 'open-webui/open-webui', attempt: 1 },
    ])
    expect(await events('build.completed')).toEqual([
      {
        build_id: id,
        repository: 'open-webui/open-webui',
        status: 'completed',
        outputs: 1,
        duration_seconds: expect.any(Number),
      },
    ])
    expect(
      (await events('build.step.updated')).map((data) => [data['step'], data['status']]),
    ).toEqual([
      ['clone_repo', 'running'],
      ['clone_repo', 'completed'],
      ['create_zip', 'running'],
      ['create_zip', 'completed'],
    ])
  })

  it('answers 200 of a build that fails, with success false and the reason', async () => {
    const { id } = await test.create()
    const answered = execute(id)
    const worker = await test.take()
    await worker.begin()
    await worker.report('clone_repo', 'running')
    const error = 'clone_repo failed: the remote does not answer'
    await worker.complete({ status: 'failed', reason: 'step_failed', error })
    const answer = await answered
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        success: true,
        execution_result: {
          success: false,
          message: `Pipeline execution failed: ${error}`,
          status: 'failed',
          failure_reason: 'step_failed',
        },
      },
    ])
    const build = await test.show(id)
    expect(build).toMatchObject({ status: 'failed', failure_reason: 'step_failed', error })
    expect(build.steps.map(({ status }) => status)).toEqual(['failed', 'skipped'])
    expect((await events('build.failed'))[0]).toMatchObject({ build_id: id, error })
  })

  it.each([
    ['?wait=false', {}],
    ['', { prefer: 'respond-async' }],
  ])('answers 202 at once for %j %j', async (query, headers) => {
    const { id } = await test.create()
    const answer = await execute(id, query, headers)
    expect(answer.statusCode).toBe(202)
    expect(answer.headers['location']).toBe(`${runsPath}/${id}`)
    if (query === '') expect(answer.headers['preference-applied']).toBe('respond-async')
    expect(answer.json<ExecuteBuildResponse>().execution_result).toEqual({
      success: true,
      message: 'Pipeline will be executed as soon as a worker is free',
      status: 'pending',
      failure_reason: null,
    })
    expect((await test.show(id)).status).toBe('pending')
    expect((await test.take()).buildId).toBe(id)
  })

  it('waits no longer than the caller wants to', async () => {
    const { id } = await test.create()
    const answer = await execute(id, '', { prefer: 'wait=0' })
    expect(answer.statusCode).toBe(202)
    expect(answer.headers['preference-applied']).toBe('wait=0')
    const worker = await test.take()
    await worker.begin()
    const next = await test.create()
    const both = execute(next.id, '', { prefer: 'wait=1' })
    const second = await test.take()
    await second.begin()
    expect((await both).json<ExecuteBuildResponse>().execution_result.status).toBe('running')
  })

  it('leaves nothing behind on a connection that serves others, too', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const url = await test.app.listen({ port: 0, host: '127.0.0.1' })
    const connected = once(test.app.server, 'connection') as Promise<[Socket]>
    const waiting = async () => {
      const { id } = await test.create()
      const headers = { authorization: `Bearer ${test.token}`, prefer: 'wait=0' }
      const asked = request(`${url}${runsPath}/${id}/execute`, { method: 'POST', agent, headers })
      const [answer] = (await once(asked.end(), 'response')) as [IncomingMessage]
      expect(answer.statusCode).toBe(202)
      await once(answer.resume(), 'end')
    }
    await waiting()
    const [socket] = await connected
    const listeners = socket.listenerCount('close')
    for (let count = 0; count < 3; count++) await waiting()
    expect(socket.listenerCount('close')).toBe(listeners)
  })

  it('does not wait longer than its steps may take', async () => {
    // Less the margin of two minutes.
    test.builds.limits = { ...stepLimits, clone_repo: -120_000, create_zip: 100 }
    const { id } = await test.create()
    expect((await execute(id)).statusCode).toBe(202)
  })

  it('runs a build once: 409 for one that is not pending', async () => {
    const { id } = await test.create()
    await test.execute(id)
    const conflict = async () => {
      const answer = await execute(id)
      return [answer.statusCode, answer.json()]
    }
    const error = 'Execution error'
    expect(await conflict()).toEqual([
      409,
      { error, message: 'The pipeline run waits to be executed already' },
    ])
    const worker = await test.take()
    await worker.begin()
    expect(await conflict()).toEqual([409, { error, message: 'The pipeline run is running' }])
    await worker.complete({ status: 'completed', outputs: [] })
    expect(await conflict()).toEqual([409, { error, message: 'The pipeline run is completed' }])
    expect((await execute(999_999)).json().error).toBe('Resource not found')
  })

  it('hands a build out once, however many ask at the same time', async () => {
    const { id } = await test.create()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        execute(id, '?wait=false').then(({ statusCode }) => statusCode),
      ),
    )
    expect(answers.toSorted((a, b) => a - b)).toEqual([202, 409, 409, 409, 409, 409, 409, 409])
  })

  it('goes on when the caller leaves', async () => {
    const { id } = await test.create()
    const url = await test.app.listen({ port: 0, host: '127.0.0.1' })
    const asked = request(`${url}${runsPath}/${id}/execute`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${test.token}` },
    })
    const left = once(asked, 'error')
    asked.end()
    const worker = await test.take()
    await worker.begin()
    asked.destroy(new Error('gone'))
    await left
    await worker.complete({ status: 'completed', outputs: [] })
    expect((await test.show(id)).status).toBe('completed')
    expect(test.stopped).toEqual([])
  })
})

it('hears of the end of a build that another server’s worker has done', async () => {
  const { db, pool, url } = test.database
  const here = await listenSignals({ url, pool, log: quietLog })
  const there = await listenSignals({ url, pool, log: quietLog })
  // Events are numbered over there, and come here by a signal alone.
  const feed = createEventFeed({ db, log: quietLog, signals: here })
  const relay = startEventRelay({ pool, log: quietLog, signals: there, publish() {} })
  test.builds.feed = feed
  test.builds.wakeEvents = () => {}
  const other = createBuildControl({ ...test.builds, wakeEvents: () => relay.wake() })
  try {
    const { id } = await test.create()
    const answered = execute(id)
    const { claim } = await test.take()
    await other.beginBuild({ buildId: id, claim })
    const result = { status: 'completed', outputs: [] } as const
    await other.completeBuild({ buildId: id, claim, result })
    expect((await answered).json<ExecuteBuildResponse>().execution_result.status).toBe('completed')
  } finally {
    await relay.close()
    await feed.close()
    await here.close()
    await there.close()
  }
})

describe('POST /api/pipelines/runs/{id}/cancel', () => {
  it('ends a build that runs, and stops its worker', async () => {
    const { id } = await test.create()
    const answered = execute(id)
    const worker = await test.take()
    await worker.begin()
    await worker.report('clone_repo', 'running')
    const answer = await act(id, 'cancel')
    expect(answer.statusCode).toBe(200)
    expect(answer.json<{ pipeline_run: Build }>().pipeline_run).toMatchObject({
      id,
      status: 'failed',
      failure_reason: 'cancelled',
      error: 'Cancelled by admin',
    })
    expect(test.stopped).toEqual([worker.claim.id])
    await expect(worker.report('clone_repo', 'completed')).rejects.toMatchObject({
      code: 'resource_conflict',
    })
    expect((await answered).json<ExecuteBuildResponse>().execution_result).toMatchObject({
      success: false,
      failure_reason: 'cancelled',
    })
    expect((await act(id, 'cancel')).statusCode).toBe(200)
  })

  it('ends a build that waits, and no worker gets it', async () => {
    for (const executes of [false, true]) {
      const { id } = await test.create()
      if (executes) await test.execute(id)
      expect((await act(id, 'cancel')).statusCode).toBe(200)
      const { rows } = await test.database.pool.query(
        `select 1 from jobs where state in ('queued', 'running')`,
      )
      expect(rows).toEqual([])
      expect((await test.show(id)).steps.map(({ status }) => status)).toEqual([
        'skipped',
        'skipped',
      ])
      expect((await execute(id)).statusCode).toBe(409)
    }
  })

  it('is 409 for one that has ended, and 404 for what is not there', async () => {
    const build = await test.built({}, () => [])
    const answer = await act(build.id, 'cancel')
    expect([answer.statusCode, answer.json()]).toEqual([
      409,
      {
        error: 'Execution error',
        message: 'The pipeline run has already ended as completed',
      },
    ])
    expect((await act(999_999, 'cancel')).statusCode).toBe(404)
    const token = await test.tokenFor(['developer'], { repositories: ['acme/other'] })
    const { id } = await test.create()
    for (const action of ['cancel', 'retry', 'execute']) {
      expect((await act(id, action, token)).statusCode).toBe(404)
    }
  })
})

describe('POST /api/pipelines/runs/{id}/retry', () => {
  it('makes a new build of the same, and executes it', async () => {
    const first = await test.create({ branch: 'dev', image_tag: '1', custom_parameters: { a: 1 } })
    expect((await act(first.id, 'retry')).statusCode).toBe(409)
    await act(first.id, 'cancel')
    const answer = await act(first.id, 'retry')
    expect(answer.statusCode).toBe(201)
    const { pipeline_run: again } = answer.json<{ pipeline_run: Build }>()
    expect(answer.headers['location']).toBe(`${runsPath}/${again.id}`)
    expect(again).toMatchObject({
      status: 'pending',
      retry_of: first.id,
      ref: 'dev',
      image_tag: '1',
      custom_parameters: { a: 1 },
      attempt: 0,
    })
    expect(again.id).not.toBe(first.id)
    expect((await test.take()).buildId).toBe(again.id)
  })

  it('refuses what has been archived or deleted meanwhile', async () => {
    const repository = await test.repository('acme/shop')
    const { id } = await test.create({ git_repository_id: repository })
    await act(id, 'cancel')
    await test.request('PUT', `/api/repositories/${repository}`, { body: { archived: true } })
    const archived = await act(id, 'retry')
    expect([archived.statusCode, archived.json().error]).toEqual([400, 'Validation error'])
    expect((await test.request('DELETE', `/api/repositories/${repository}`)).statusCode).toBe(200)
    const deleted = await act(id, 'retry')
    expect([deleted.statusCode, deleted.json().error]).toEqual([404, 'Resource not found'])
    // What was built stays known by what it was made of.
    expect((await test.show(id)).repository_info).toMatchObject({
      id: repository,
      name: 'acme/shop',
    })
  })
})
