import type { ExecuteBuildResponse } from '@slipway/contract/builds'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimJobs, expireJobs, failJob } from '../../packages/server/src/jobs/index.ts'
import { type BuildsApp, createBuildsApp, runsPath } from '../support/builds-app.ts'

let test: BuildsApp
beforeEach(async () => void (test = await createBuildsApp()))
afterEach(() => test.close())

const execute = (id: number) => test.request('POST', `${runsPath}/${id}/execute`)
const spokenSteps = async () => {
  const { rows } = await test.database.pool.query(
    `select 1 from events where event_type = 'build.step.updated'`,
  )
  return rows.length
}

describe('a worker that is lost', () => {
  it('leaves the build running until another begins it anew', async () => {
    const { id } = await test.create()
    await test.execute(id)
    const first = await test.take()
    await first.begin()
    await first.report('clone_repo', 'completed')
    await first.report('create_zip', 'running', 10)
    await first.lose()
    expect((await test.show(id)).status).toBe('running')
    const second = await test.take()
    expect((await second.begin()).number).toBe(2)
    const build = await test.show(id)
    expect(build).toMatchObject({ status: 'running', attempt: 2 })
    expect(build.steps.map(({ status }) => status)).toEqual(['pending', 'pending'])
    // What the first one says now is void.
    for (const late of [
      () => first.begin(),
      () => first.report('create_zip', 'completed'),
      () => first.complete({ status: 'completed', outputs: [] }),
    ]) {
      await expect(late()).rejects.toMatchObject({ code: 'resource_conflict' })
    }
    await second.complete({ status: 'completed', outputs: [] })
    expect((await test.show(id)).status).toBe('completed')
  })

  it('ends the build as interrupted after the last attempt', async () => {
    const { id } = await test.create()
    await test.execute(id)
    for (let attempt = 1; attempt <= 3; attempt++) {
      const worker = await test.take()
      await worker.begin()
      await worker.lose()
    }
    const build = await test.show(id)
    expect(build).toMatchObject({
      status: 'failed',
      failure_reason: 'interrupted',
      error: 'It was given up after 3 attempts: Its worker has ended.',
      attempt: 3,
    })
    expect(
      await claimJobs(test.database, { workerId: crypto.randomUUID(), types: ['build'], limit: 9 }),
    ).toEqual([])
  })

  it('ends the build as timeout when the ledger’s deadline passes', async () => {
    const { id } = await test.create()
    await test.execute(id)
    const worker = await test.take()
    await worker.begin()
    await test.database.pool.query(`update jobs set deadline_at = now() - interval '1 s'`)
    await expireJobs(test.ledger)
    expect(await test.show(id)).toMatchObject({ status: 'failed', failure_reason: 'timeout' })
    await expect(worker.complete({ status: 'completed', outputs: [] })).rejects.toMatchObject({
      code: 'resource_conflict',
    })
  })

  it('ends the build as failed when it says that no attempt would help', async () => {
    const { id } = await test.create()
    await test.execute(id)
    const { claim } = await test.take()
    await failJob(test.ledger, { ...claim, error: 'No such thing' })
    expect(await test.show(id)).toMatchObject({
      status: 'failed',
      failure_reason: 'step_failed',
      error: 'No such thing',
    })
  })

  it('gives the answer to whoever waits', async () => {
    const { id } = await test.create()
    const answered = execute(id)
    await (await test.take()).lose()
    await (await test.take()).lose()
    await (await test.take()).lose()
    const { execution_result: result } = (await answered).json<ExecuteBuildResponse>()
    expect(result).toMatchObject({ success: false, failure_reason: 'interrupted' })
  })
})

describe('what a worker may say', () => {
  it('is nothing that goes backwards, of no step that is not there, and nothing before it begins', async () => {
    const { id } = await test.create()
    await test.execute(id)
    const worker = await test.take()
    await expect(worker.complete({ status: 'completed', outputs: [] })).rejects.toMatchObject({
      code: 'resource_conflict',
    })
    await worker.begin()
    await worker.report('clone_repo', 'completed')
    await worker.report('clone_repo', 'completed')
    await expect(worker.report('clone_repo', 'running')).rejects.toMatchObject({
      code: 'resource_conflict',
    })
    await expect(worker.report('build_image', 'running')).rejects.toMatchObject({
      code: 'resource_not_found',
    })
  })

  it('is no output but an object of the build’s own', async () => {
    const { id } = await test.create()
    await test.execute(id)
    await (await test.take()).lose()
    const worker = await test.take()
    const { number } = await worker.begin()
    const zip = (objectKey: string) => {
      const sha256 = '0'.repeat(64)
      return { type: 'zip' as const, objectKey, fileName: 'a.zip', sizeBytes: 1, sha256 }
    }
    const own = `builds/${id}/outputs/${number}/`
    const foreign = [
      `pipeline-runs/${crypto.randomUUID()}/logs/secret.log`,
      `builds/${id + 1}/outputs/1/a.zip`,
      `${own}../../../${id + 1}/outputs/1/a.zip`,
      own,
    ]
    for (const key of foreign) {
      await expect(
        worker.complete({ status: 'completed', outputs: [zip(`${own}a.zip`), zip(key)] }),
      ).rejects.toMatchObject({ code: 'invalid_request' })
    }
    expect((await test.show(id)).status).toBe('running')
    await worker.complete({ status: 'completed', outputs: [zip(`${own}a.zip`)] })
    expect((await test.show(id)).status).toBe('completed')
  })

  it('spreads progress once a second at most, and keeps all of it', async () => {
    const { id } = await test.create()
    await test.execute(id)
    const worker = await test.take()
    await worker.begin()
    for (let percent = 0; percent <= 50; percent++) {
      await worker.report('clone_repo', 'running', percent)
    }
    expect((await test.show(id)).steps[0]).toMatchObject({ status: 'running', progress: 50 })
    expect(await spokenSteps()).toBeLessThan(10)
  })

  it('cannot have the login of a registry before it pushes', async () => {
    const app = await createBuildsApp({
      openRegistryLogin: async () => ({ username: 'u', password: 'p', serverAddress: 'r.test' }),
    })
    try {
      const now = new Date()
      const { id: registry } = await app.database.db
        .insertInto('container_registries')
        .values({
          name: 'r',
          registry_type: 'generic',
          registry_url: 'r.test',
          namespace: 'team',
          created_by: 'admin',
          created_at: now,
          updated_at: now,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      const { id } = await app.create({
        steps_to_execute: ['clone_repo', 'build_image', 'push_registry'],
        output_type: 'docker_image',
        registry_id: registry,
      })
      await app.execute(id)
      const worker = await app.take()
      expect((await worker.begin()).registry).toEqual({ address: 'r.test', namespace: 'team' })
      await expect(app.control.openBuildRegistry(worker)).rejects.toMatchObject({
        code: 'resource_conflict',
      })
      await worker.report('push_registry', 'running')
      expect(await app.control.openBuildRegistry(worker)).toMatchObject({ username: 'u' })
      await worker.lose()
      await expect(app.control.openBuildRegistry(worker)).rejects.toMatchObject({
        code: 'resource_conflict',
      })
    } finally {
      await app.close()
    }
  })

  it('is told that a build cannot be done when its repository has moved', async () => {
    const repository = await test.repository('acme/shop')
    const { id } = await test.create({ git_repository_id: repository })
    await test.database.pool.query(
      `update repositories set repository_url = 'https://x.test/y.git'`,
    )
    await test.execute(id)
    const worker = await test.take()
    await expect(worker.begin()).rejects.toMatchObject({ code: 'resource_conflict' })
    expect(await test.show(id)).toMatchObject({
      status: 'failed',
      failure_reason: 'step_failed',
      error: 'Its repository has got another name or URL since it was made',
    })
  })
})
