import { afterEach, describe, expect, it } from 'vitest'
import type { RunnerClass, RunnersDeps } from '../../packages/server/src/runners/index.ts'
import { expireJobs } from '../../packages/server/src/jobs/index.ts'
import { AppError } from '../../packages/server/src/errors.ts'
import { createRunnersApp, runnerClass, type RunnersApp } from '../support/runners-app.ts'

let test: RunnersApp
afterEach(() => test.close())

async function started(classes: RunnerClass[], over: Partial<RunnersDeps> = {}) {
  test = await createRunnersApp({ classes, ...over })
  test.start()
  return test
}
const statusOf = async (id: string) => (await test.show(id)).status
const until = (id: string, status: string) =>
  expect.poll(() => statusOf(id), { timeout: 10_000, interval: 20 }).toBe(status)

describe('a delegated job', () => {
  it('is assigned, runs in its container and ends with its exit code, every step told', async () => {
    await started([runnerClass({ env: { TZ: 'UTC' } })])
    const id = await test.delegate({ runId: '789012' })
    const taken = await test.take()
    expect(taken.delegationId).toBe(id)
    const assigned = await test.show(id)
    expect(assigned).toMatchObject({
      status: 'assigned',
      runnerId: expect.any(String),
      metadata: { runnerClass: 'ubuntu', assignedAt: expect.any(String), attempt: 0 },
    })
    const attempt = await taken.begin()
    expect(attempt).toEqual({
      delegationId: id,
      number: 1,
      repository: 'owner/repo',
      logKey: `delegations/${id}/logs/job.log`,
      className: 'ubuntu',
      containerId: null,
      hasStarted: false,
      spec: {
        image: 'runner:1',
        command: ['/bin/work'],
        env: expect.objectContaining({
          TZ: 'UTC',
          GITHUB_REPOSITORY: 'owner/repo',
          GITHUB_RUN_ID: '789012',
          GITHUB_SHA: 'abc123def456',
        }),
        labels: { 'io.slipway.owner': 'here', 'io.slipway.delegation': id },
        workdir: null,
        user: null,
        mounts: [],
        network: 'none',
        idle: false,
        limits: { memoryBytes: null, cpus: null, pids: 100, diskBytes: null },
      },
      timeoutMs: 60_000,
    })
    const nothing = await test.control.openRunnerConfiguration(taken, new AbortController().signal)
    expect(nothing).toEqual({ env: {}, secrets: [] })
    await taken.run('c-1')
    const running = await test.show(id)
    expect(running).toMatchObject({ status: 'running', containerId: 'c-1' })
    expect(running.metadata.queueMs).toBe(
      Date.parse(running.startedAt ?? '') - Date.parse(running.metadata.queuedAt),
    )
    await taken.complete({ status: 'failed', exitCode: 137, reason: 'out of memory' })
    expect(await test.show(id)).toMatchObject({
      status: 'failed',
      exitCode: 137,
      completedAt: expect.any(String),
      metadata: { reason: 'out of memory', attempt: 1 },
    })
    expect(await test.told(id)).toEqual(['queued', 'assigned', 'running', 'failed'])
  })

  it('waits while its class has no place, and its turn comes as one is free', async () => {
    await started([runnerClass({ maxRunners: 2 })])
    const ids = [await test.delegate(), await test.delegate(), await test.delegate()]
    const first = await test.take()
    await test.take()
    expect(await Promise.all(ids.map(statusOf))).toEqual(['assigned', 'assigned', 'queued'])
    await first.begin()
    await first.run()
    await first.complete()
    expect((await test.take()).delegationId).toBe(ids[2])
  })

  it('does not wait behind a repository that has many', async () => {
    test = await createRunnersApp({ classes: [runnerClass({ maxRunners: 3 })] })
    const many: string[] = []
    for (let n = 0; n < 5; n++) many.push(await test.delegate())
    const other = await test.delegate({ repository: 'owner/other' })
    test.start()
    const taken = [await test.take(), await test.take(), await test.take()]
    const got = taken.map(({ delegationId }) => delegationId)
    expect(new Set(got)).toEqual(new Set([many[0], many[1], other]))
  })

  it('has no more containers of its repository than its class allows', async () => {
    test = await createRunnersApp({ classes: [runnerClass({ maxPerRepository: 1 })] })
    // GitHub's names have no case.
    const ids = [await test.delegate(), await test.delegate({ repository: 'Owner/REPO' })]
    const other = await test.delegate({ repository: 'owner/other' })
    test.start()
    const taken = [await test.take(), await test.take()]
    expect(new Set(taken.map(({ delegationId }) => delegationId))).toEqual(new Set([ids[0], other]))
    expect(await statusOf(ids[1] ?? '')).toBe('queued')
    const [own] = taken.filter(({ delegationId }) => delegationId === ids[0])
    await own?.complete({ status: 'failed' })
    expect((await test.take()).delegationId).toBe(ids[1])
  })

  it('that nobody serves is served once the configuration says so, and the other way round', async () => {
    const classes: RunnerClass[] = [runnerClass({ labels: ['arm'] })]
    await started(classes)
    const waiting = await test.delegate()
    expect((await test.show(waiting)).metadata).toMatchObject({
      runnerClass: null,
      reason: 'No runner class has the labels ubuntu-latest, docker',
    })
    await test.halt()
    const arm = await test.delegate({ labels: ['arm'] })
    classes.splice(0, 1, runnerClass())
    test.start()
    expect((await test.take()).delegationId).toBe(waiting)
    expect((await test.show(arm)).metadata).toMatchObject({
      runnerClass: null,
      reason: 'No runner class has the labels arm',
    })
  })

  it('that waited while no server ran is dispatched by the next', async () => {
    test = await createRunnersApp()
    const ids = await Promise.all(Array.from({ length: 30 }, () => test.delegate()))
    expect(await test.waiting()).toBe(0)
    test.start()
    const taken = new Set<string>()
    for (const _ of ids) taken.add((await test.take()).delegationId)
    expect([...taken].toSorted()).toEqual(ids.toSorted())
  })

  it('that GitHub had no runner for is dispatched when its time has come, though nobody says so', async () => {
    await started([runnerClass()])
    const id = await test.delegate({ labels: ['elsewhere'] })
    const { pool } = test.database
    const until = `now() + interval '1 second'`
    await pool.query(`insert into runner_problems values ('owner/repo', 'away', 1, ${until})`)
    await pool.query(
      `update delegations set source = 'queue', class = 'ubuntu', reason = 'away' where id = $1`,
      [id],
    )
    expect((await test.take()).delegationId).toBe(id)
  })

  it('of a dead worker is begun again, with the container that it had', async () => {
    await started([runnerClass()])
    const id = await test.delegate()
    const first = await test.take()
    await first.begin()
    await first.run('c-1')
    const { startedAt } = await test.show(id)
    await first.lose()
    await expect(first.complete()).rejects.toMatchObject({ code: 'resource_conflict' })
    const second = await test.take()
    expect(await second.begin()).toMatchObject({
      delegationId: id,
      number: 2,
      containerId: 'c-1',
      hasStarted: true,
    })
    await second.run('c-1')
    await second.complete()
    expect(await test.show(id)).toMatchObject({ status: 'completed', startedAt, exitCode: 0 })
    expect(await test.told(id)).toEqual(['queued', 'assigned', 'running', 'completed'])
  })

  it('is given up after three containers that never started', async () => {
    await started([runnerClass()])
    const id = await test.delegate()
    for (const _ of [1, 2, 3]) {
      const taken = await test.take()
      await taken.begin()
      await taken.lose()
    }
    const fourth = await test.take()
    await expect(fourth.begin()).rejects.toMatchObject({ code: 'resource_conflict' })
    expect(await test.show(id)).toMatchObject({
      status: 'failed',
      startedAt: null,
      metadata: { reason: 'no container started in 3 attempts' },
    })
    expect(await test.waiting()).toBe(0)
  })

  it('ends as lost when its container can be reached no more, long after its time', async () => {
    await started([runnerClass()])
    const id = await test.delegate()
    const first = await test.take()
    await first.begin()
    await first.run()
    await test.database.pool.query(
      `update delegations set started_at = started_at - interval '2 hours' where id = $1`,
      [id],
    )
    await first.lose()
    await expect((await test.take()).begin()).rejects.toMatchObject({ code: 'resource_conflict' })
    expect(await test.show(id)).toMatchObject({ status: 'failed', metadata: { reason: 'lost' } })
  })

  it('ends when the ledger ends its job', async () => {
    await started([runnerClass()])
    const id = await test.delegate()
    const taken = await test.take()
    await taken.begin()
    await test.database.pool.query(
      `update jobs set deadline_at = now() - interval '1 second' where id = $1`,
      [taken.claim.id],
    )
    await expireJobs(test.ledger, { signal: new AbortController().signal })
    expect(await test.show(id)).toMatchObject({ status: 'failed', metadata: { reason: 'timeout' } })
    await expect(taken.run()).rejects.toMatchObject({ code: 'resource_conflict' })
  })

  it('is cancelled with its worker told, and what that says afterwards is void', async () => {
    await started([runnerClass({ maxRunners: 1 })])
    const id = await test.delegate()
    const next = await test.delegate()
    const taken = await test.take()
    await taken.begin()
    await taken.run()
    const answer = await test.request('POST', `/api/jobs/${id}/cancel`)
    expect(answer.json().data.status).toBe('cancelled')
    expect(test.stopped).toEqual([taken.claim.id])
    await expect(taken.complete()).rejects.toMatchObject({ code: 'resource_conflict' })
    // Its place is free.
    await until(next, 'assigned')
  })

  it('is ended by the worker that has its container, and by nobody else', async () => {
    await started([runnerClass()])
    const id = await test.delegate()
    const taken = await test.take()
    expect((await test.report(id, { status: 'completed' })).statusCode).toBe(409)
    await taken.begin()
    await taken.run('c-1')
    const refused = await test.report(id, { status: 'failed' })
    expect([refused.statusCode, refused.json().error]).toEqual([
      409,
      'A worker looks after the container of this job, and tells how it ends',
    ])
    const repeated = await test.report(id, { status: 'running', containerId: 'another' })
    expect(repeated.statusCode).toBe(200)
    const body = { status: 'completed' }
    const proxy = await test.request('POST', `/api/jobs/${id}/proxy-complete`, { body })
    expect(proxy.statusCode).toBe(200)
    expect(await test.show(id)).toMatchObject({ status: 'running', containerId: 'c-1' })
    expect(test.stoppedContainers).toEqual([])
    await taken.complete({ status: 'failed', exitCode: 1 })
    expect(await test.show(id)).toMatchObject({
      status: 'failed',
      exitCode: 1,
      metadata: { proxyStatus: 'completed' },
    })
  })
})

describe('a job whose container is about to start', () => {
  it('runs when its worker says so, and not before', async () => {
    await started([runnerClass()])
    const id = await test.delegate()
    const first = await test.take()
    const refused = await test.report(id, { status: 'running', containerId: 'another' })
    expect([refused.statusCode, refused.json().error]).toEqual([
      409,
      'A worker looks after the container of this job, and tells when it runs',
    ])
    expect(await test.show(id)).toMatchObject({ status: 'assigned', startedAt: null })
    await first.begin()
    await first.lose()
    const second = await test.take()
    expect(await second.begin()).toMatchObject({ number: 2, hasStarted: false })
    await second.run()
    expect(await test.told(id)).toEqual(['queued', 'assigned', 'running'])
  })

  it('is not over because its proxy says so', async () => {
    await started([runnerClass()])
    const id = await test.delegate()
    const taken = await test.take()
    await taken.begin()
    const body = { status: 'completed' }
    const proxy = await test.request('POST', `/api/jobs/${id}/proxy-complete`, { body })
    expect(proxy.statusCode).toBe(200)
    expect(await test.show(id)).toMatchObject({
      status: 'assigned',
      metadata: { proxyStatus: 'completed' },
    })
    await taken.run()
    await taken.complete({ status: 'failed', exitCode: 1 })
    expect(await test.show(id)).toMatchObject({ status: 'failed', exitCode: 1 })
  })
})

describe('a job of a proxy’s hooks', () => {
  it('idles until the proxy says that it is over, and ends as the proxy says', async () => {
    await started([runnerClass({ images: ['node:20'] })])
    const container = { image: 'node:20', env: { A: 'b' }, workdir: '/__w', user: '1000' }
    const id = await test.delegate({ container })
    const taken = await test.take()
    expect((await taken.begin()).spec).toMatchObject({
      image: 'node:20',
      command: null,
      env: { A: 'b' },
      workdir: '/__w',
      user: '1000',
      idle: true,
    })
    await taken.run('idle-1')
    const body = { status: 'completed' }
    await test.request('POST', `/api/jobs/${id}/proxy-complete`, { body })
    expect(await statusOf(id)).toBe('running')
    expect(test.stoppedContainers).toEqual(['idle-1'])
    await taken.complete({ status: 'failed', exitCode: 137, reason: 'killed' })
    expect(await test.show(id)).toMatchObject({
      status: 'completed',
      exitCode: null,
      metadata: { reason: null, proxyStatus: 'completed' },
    })
  })
})

describe('the configuration of GitHub’s runner', () => {
  const key = Buffer.from(JSON.stringify({ d: 'a-private-exponent-of-the-runner' }))
  const encodedConfiguration = Buffer.from(
    JSON.stringify({ '.credentials_rsaparams': key.toString('base64') }),
  ).toString('base64')
  const signal = new AbortController().signal

  it('is asked for when a container starts, and is known as a secret in all of its parts', async () => {
    const asked: unknown[] = []
    await started([runnerClass({ command: null })], {
      requestRunnerConfiguration: async (input) => {
        asked.push(input)
        return { encodedConfiguration, githubId: 23 }
      },
    })
    const id = await test.delegate()
    const taken = await test.take()
    const attempt = await taken.begin()
    expect(attempt.spec.command).toEqual(['/home/runner/run.sh'])
    expect(JSON.stringify(attempt)).not.toContain(encodedConfiguration)
    const opened = await test.control.openRunnerConfiguration(taken, signal)
    expect(opened.env).toEqual({ ACTIONS_RUNNER_INPUT_JITCONFIG: encodedConfiguration })
    expect(opened.secrets).toEqual([
      encodedConfiguration,
      key.toString('base64'),
      'a-private-exponent-of-the-runner',
    ])
    const name = expect.stringMatching(/^slipway-ubuntu-[0-9a-f]{12}$/)
    const labels = ['ubuntu-latest', 'docker']
    expect(asked).toEqual([{ delegationId: id, repository: 'owner/repo', name, labels }])
    await taken.complete()
    await expect(test.control.openRunnerConfiguration(taken, signal)).rejects.toMatchObject({
      code: 'resource_conflict',
    })
    const { rows } = await test.database.pool.query('select * from delegations')
    expect(JSON.stringify(rows)).not.toContain(encodedConfiguration)
  })

  it('says what is missing, or what GitHub says', async () => {
    await started([runnerClass({ command: null })])
    await test.delegate()
    const taken = await test.take()
    await taken.begin()
    const open = () => test.control.openRunnerConfiguration(taken, signal)
    await expect(open()).rejects.toThrow('Neither GITHUB_TOKEN nor a GitHub App is set')
    test.runners.requestRunnerConfiguration = async () => {
      throw new AppError('unavailable', 'GitHub refuses it')
    }
    await expect(open()).rejects.toThrow('GitHub refuses it')
  })
})
