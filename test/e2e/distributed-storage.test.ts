// S3 away and hung while a step ends, and while a build's file is on its way, at workers on other machines.
import type { Build } from '@slipway/contract/builds'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { readZip } from '../support/read-zip.ts'
import { type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import { finishedRun, logOf, startRun, stepNamed, tasksOf } from '../support/runs.ts'
import { createBucket, type TestBucket } from '../support/s3-bucket.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { coursesOf, createStepMarks, type StepMarks } from '../support/step-marks.ts'

vi.setConfig({ testTimeout: 180_000, expect: { poll: { timeout: 90_000, interval: 100 } } })

const name = 'acme/shop'
let s3: TestS3
let proxy: FaultyProxy
let bucket: TestBucket
let database: TestDatabase
let server: TestServer
let marks: StepMarks
let worker: RemoteWorker
let repository: TestRepository
beforeAll(async () => {
  s3 = await startRadosgw()
  proxy = await startFaultyProxy(new URL(s3.endpoint).host)
  bucket = await createBucket(s3, 'slipway', { endpoint: `http://${proxy.host}` })
  database = await createTestDatabase()
  marks = await createStepMarks()
  const env = { ...bucket.env, DATABASE_URL: database.url, SLIPWAY_WORKER_TYPES: '' }
  server = await startTestServer(env)
  repository = await createRepository(server.repositories, name)
  worker = await startRemoteWorker(server, {
    dataDir: await marks.dataDir(),
    env: {
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
      SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
      SLIPWAY_WORKER_TYPES: 'discovery,task,artifact,release,deployment,build',
    },
  })
}, 180_000)
afterEach(() => {
  proxy.mode = 'pass'
})
afterAll(async () => {
  await worker?.close()
  await server?.close()
  await database?.close()
  bucket?.close()
  await proxy?.close()
  await marks?.close()
  await s3?.close()
})

const courses = async () => coursesOf(await marks.read())

describe.each(['down', 'hang'] as const)('S3 that is away (%s)', (mode) => {
  it('while a step ends: the run ends as ever, its log is read, and comes there later', async () => {
    const step = `step-${mode}`
    const body = `echo up; until [ -e "$MARKS/${mode}" ]; do sleep 0.05; done; echo over`
    const steps = [{ name: step, action: 'run', run: marks.script(step, body) }]
    const id = await startRun(server, name, await repository.commit(oneProject(steps)))
    await expect.poll(courses).toMatchObject({ [step]: 'begin' })
    proxy.mode = mode
    await marks.tell(mode)
    const run = await finishedRun(server, id, 90_000)
    expect([run.status, tasksOf(run)[0]?.attempt]).toEqual(['success', 1])
    expect(await logOf(server, stepNamed(run, step))).toBe('up\nover\n')
    proxy.mode = 'pass'
    const key = async () => (await bucket.keys()).find((each) => each.endsWith(`/${step}.log`))
    await expect.poll(key).toBeDefined()
    expect(await bucket.read((await key()) ?? '')).toBe('up\nover\n')
    expect(await logOf(server, stepNamed(run, step))).toBe('up\nover\n')
    expect(await courses()).toMatchObject({ [step]: 'begin end' })
  })
})

describe('S3 that goes away while a build’s file is uploaded', () => {
  it('is waited for: the file is there once, whole, by one attempt', async () => {
    await repository.commit({ 'readme.txt': 'to be packed' })
    const repositoryUrl = `file://${server.repositories}/${name}.git`
    const { repository: registered } = await server.json<{ repository: { id: number } }>(
      'POST',
      '/api/repositories',
      { body: { name: 'shop', repository_url: repositoryUrl } },
    )
    const runs = '/api/pipelines/runs'
    const { pipeline_run: created } = await server.json<{ pipeline_run: Build }>('POST', runs, {
      body: {
        steps_to_execute: ['clone_repo', 'create_zip'],
        git_repository_id: registered.id,
        output_type: 'zip',
      },
    })
    proxy.mode = 'hang'
    const hung = proxy.nextHung()
    await server.json('POST', `${runs}/${created.id}/execute?wait=false`, { expect: 202 })
    await hung
    proxy.mode = 'down'
    const shown = async () =>
      (await server.json<{ pipeline_run: Build }>('GET', `${runs}/${created.id}`)).pipeline_run
    expect((await shown()).completed_at).toBeNull()
    proxy.mode = 'pass'
    await expect.poll(async () => (await shown()).completed_at).not.toBeNull()
    const build = await shown()
    expect(build.status, JSON.stringify(build)).toBe('completed')
    const { build_outputs: outputs } = await server.json<{ build_outputs: { id: number }[] }>(
      'GET',
      `${runs}/${created.id}/outputs`,
    )
    expect(outputs).toHaveLength(1)
    const path = `/api/pipelines/outputs/${outputs[0]?.id}/download`
    const bytes = Buffer.from(await (await server.request('GET', path)).arrayBuffer())
    expect((await readZip(bytes)).map((entry) => String(entry.name))).toContain('readme.txt')
    expect((await bucket.keys()).filter((key) => key.endsWith('.zip'))).toHaveLength(1)
    await expect.poll(() => bucket.uploads()).toEqual([])
  })
})
