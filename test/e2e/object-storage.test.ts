// A server whose objects are in S3: runs, builds, releases, deployments; and S3 away while they go on.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Build } from '@slipway/contract/builds'
import type { Health } from '@slipway/contract/health'
import type { Run, Step } from '@slipway/contract/runs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { readZip } from '../support/read-zip.ts'
import { finishedRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import { createBucket, type TestBucket } from '../support/s3-bucket.ts'
import { runServerCommand } from '../support/server-command.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const name = 'acme/shop'
let database: TestDatabase
let s3: TestS3
let proxy: FaultyProxy
let bucket: TestBucket
let server: TestServer
let repository: TestRepository

beforeAll(async () => {
  s3 = await startRadosgw()
  proxy = await startFaultyProxy(new URL(s3.endpoint).host)
  bucket = await createBucket(s3, 'slipway', { endpoint: `http://${proxy.host}`, prefix: 'ci/' })
  database = await createTestDatabase()
  server = await startTestServer({
    ...bucket.env,
    S3_APPLY_LIFECYCLE: 'true',
    DATABASE_URL: database.url,
  })
  repository = await createRepository(server.repositories, name)
}, 120_000)
afterAll(async () => {
  await server.close()
  await database.close()
  bucket.close()
  await proxy.close()
  await s3.close()
})

const patient = { timeout: 20_000 }

async function runOf(script: string): Promise<Run> {
  const steps = [{ name: 'talk', action: 'run', run: script }]
  const commit = await repository.commit(oneProject(steps))
  return finishedRun(server, await startRun(server, name, commit))
}

/** The key of a step's log in the bucket. */
const keyOf = (run: Run, step: string) => {
  const phase = run.phases.find(({ tasks }) =>
    tasks.some(({ steps }) => steps.some((one) => one.name === step)),
  )
  const [task] = phase?.tasks ?? []
  return `pipeline-runs/${run.id}/logs/${phase?.name}/${task?.project_name}/${step}.log`
}

const sealed = (run: Run, step: string) =>
  expect
    .poll(() => bucket.keys(), patient)
    .toEqual(expect.arrayContaining([keyOf(run, step), `${keyOf(run, step)}.idx`]))

/** What a link answers to somebody who follows no redirection. */
const open = (step: Step, headers: Record<string, string> = {}, query = '') =>
  fetch(`${step.logs_url}${query}`, { redirect: 'manual', headers })

describe('a log in S3', () => {
  it('is where the document says, and its link leads on there for as long as it works', async () => {
    const run = await runOf('echo one; echo two')
    await sealed(run, 'talk')
    expect(await bucket.read(keyOf(run, 'talk'))).toBe('one\ntwo\n')
    const step = stepNamed(run, 'talk')
    const answer = await open(step)
    expect(answer.status).toBe(302)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const link = new URL(answer.headers.get('location') ?? '')
    expect(link.host).toBe(proxy.host)
    const left = Number(new URL(step.logs_url).searchParams.get('expires')) - Date.now() / 1000
    const seconds = Number(link.searchParams.get('X-Amz-Expires'))
    expect(seconds).toBeLessThanOrEqual(left + 2)
    expect(seconds).toBeGreaterThan(840)
    const file = await fetch(link)
    expect(await file.text()).toBe('one\ntwo\n')
    expect(file.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(file.headers.get('content-disposition')).toBe('inline; filename="talk.log"')
    const part = await fetch(step.logs_url, { headers: { range: 'bytes=4-6' } })
    expect([part.status, await part.text()]).toEqual([206, 'two'])
    expect(part.headers.get('content-range')).toBe('bytes 4-6/8')
  })

  it('is read through the server by a token, by lines, as a stream and by scripts of pages', async () => {
    const run = await runOf('echo one; echo two')
    await sealed(run, 'talk')
    const step = stepNamed(run, 'talk')
    const { pathname } = new URL(step.logs_url)
    expect(await (await server.request('GET', pathname)).text()).toBe('one\ntwo\n')
    for (const query of ['&tail=1', '&after=1', '&follow=true&after=1']) {
      const answer = await open(step, {}, query)
      expect([answer.status, await answer.text()]).toEqual([200, 'two\n'])
    }
    const timed = await open(step, {}, '&timestamps=true')
    expect(await timed.text()).toMatch(/^\S+Z one\n\S+Z two\n$/)
    const events = await open(step, { accept: 'text/event-stream' })
    expect(await events.text()).toContain('"line":"two"')
    const script = await open(step, {
      'sec-fetch-mode': 'cors',
      'sec-fetch-site': 'cross-site',
    })
    expect([script.status, await script.text()]).toEqual([200, 'one\ntwo\n'])
  })

  it('is not linked to with another signature', async () => {
    const run = await runOf('echo hidden')
    await sealed(run, 'talk')
    const url = new URL(stepNamed(run, 'talk').logs_url)
    url.searchParams.set('expires', String(Number(url.searchParams.get('expires')) + 1))
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(401)
  })
})

it('builds into S3, with the documented headers, and parts of the file', async () => {
  const repositoryUrl = `file://${server.repositories}/${name}.git`
  const { repository: registered } = await server.json<{ repository: { id: number } }>(
    'POST',
    '/api/repositories',
    { body: { name: 'shop', repository_url: repositoryUrl } },
  )
  await repository.commit({ 'readme.txt': 'to be packed' })
  const runs = '/api/pipelines/runs'
  const { pipeline_run: created } = await server.json<{ pipeline_run: Build }>('POST', runs, {
    body: {
      steps_to_execute: ['clone_repo', 'create_zip'],
      git_repository_id: registered.id,
      output_type: 'zip',
    },
  })
  await server.json('POST', `${runs}/${created.id}/execute?wait=true`, { expect: 200 })
  const { build_outputs: outputs } = await server.json<{ build_outputs: { id: number }[] }>(
    'GET',
    `${runs}/${created.id}/outputs`,
  )
  const path = `/api/pipelines/outputs/${outputs[0]?.id}/download`
  const whole = await server.request('GET', path)
  expect(whole.headers.get('repr-digest')).toMatch(/^sha-256=:/)
  const bytes = Buffer.from(await whole.arrayBuffer())
  expect((await readZip(bytes)).map((entry) => String(entry.name))).toContain('readme.txt')
  const part = await server.request('GET', path, { headers: { range: 'bytes=2-5' } })
  expect(part.status).toBe(206)
  expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(2, 6))
  expect((await readdir(server.dataDir)).includes('objects')).toBe(false)
})

it('tags logs by the highest environment that a release of their run was deployed to', async () => {
  const commit = await repository.commit({
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { check: {} } }),
    '.forge/project.json': JSON.stringify({
      name: 'api',
      phases: { check: { steps: [{ name: 'test', run: 'echo tested' }] } },
      release: { on: [{ branch: 'main' }] },
      deploy: {
        resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: {} }],
      },
    }),
  })
  const run = await finishedRun(server, await startRun(server, name, commit))
  await sealed(run, 'test')
  const tags = () => bucket.tagsOf(keyOf(run, 'test'))
  // The first environment takes every release by itself.
  await expect.poll(tags, patient).toEqual({ 'slipway-retention': 'dev' })
  const { id } = await server.json<{ id: string }>('GET', `/v1/releases/${name}/api/${commit}`)
  const deploy = (environment: string, more: object = {}) =>
    server.json('POST', '/v1/deployments', { body: { release_id: id, environment, ...more } })
  await deploy('staging')
  await expect.poll(tags, patient).toEqual({ 'slipway-retention': 'staging' })
  const { approval_id } = await server.json<{ approval_id: string }>('POST', '/v1/approvals', {
    body: { release_id: id, environment: 'production', justification: 'tested' },
  })
  await deploy('production', { approval_id })
  await expect.poll(tags, patient).toEqual({ 'slipway-retention': 'production' })
  expect(await bucket.tagsOf(`${keyOf(run, 'test')}.idx`)).toEqual({
    'slipway-retention': 'production',
  })
})

it('gives the bucket its rules at the start', async () => {
  const rules = JSON.parse(await s3.admin('lc', 'get', '--bucket=slipway')) as {
    rule_map: { id: string }[]
  }
  expect(rules.rule_map.map(({ id }) => id)).toContain('slipway:ci/:runs')
})

it('shows the bucket’s rules, and gives them to it, by command', async () => {
  const other = await createBucket(s3, 'by-command')
  try {
    const env = { ...other.env, SLIPWAY_DATA_DIR: server.dataDir }
    const shown = await runServerCommand(['storage', 'lifecycle', '--print'], env)
    const { Rules } = JSON.parse(shown.stdout) as { Rules: { ID: string }[] }
    expect(Rules.map(({ ID }) => ID)).toEqual([
      'slipway:some/where/:logs dev',
      'slipway:some/where/:logs staging',
      'slipway:some/where/:runs',
      'slipway:some/where/:uploads',
      'slipway:some/where/:probes',
    ])
    const applied = await runServerCommand(['storage', 'lifecycle', '--apply'], env)
    expect([applied.code, applied.stdout]).toEqual([0, expect.stringContaining('"changed":true')])
    const again = await runServerCommand(['storage', 'lifecycle', '--apply'], env)
    expect(again.stdout).toContain('"changed":false')
    const none = await runServerCommand(['storage', 'lifecycle', '--apply'], {
      ...env,
      S3_BUCKET: 'no-such-bucket',
    })
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringContaining('The object storage has no bucket no-such-bucket\n'),
    ])
    const files = await runServerCommand(['storage', 'lifecycle', '--print'], {
      SLIPWAY_DATA_DIR: server.dataDir,
    })
    expect([files.code, files.stderr]).toEqual([1, expect.stringContaining('S3_BUCKET: is needed')])
  } finally {
    other.close()
  }
})

it('takes over from a server with files, by its backup', async () => {
  const first = await startTestServer()
  const folder = await mkdtemp(join(tmpdir(), 'slipway-s3-'))
  const target = await createBucket(s3, 'taken-over')
  try {
    const there = await createRepository(first.repositories, name)
    const steps = [{ name: 'talk', action: 'run', run: 'echo from files' }]
    const commit = await there.commit(oneProject(steps))
    const run = await finishedRun(first, await startRun(first, name, commit))
    // What is not sealed yet is restored as well, but beside the bucket.
    const index = `${keyOf(run, 'talk')}.idx`
    await expect
      .poll(() => readdir(join(first.dataDir, 'objects'), { recursive: true }), patient)
      .toEqual(expect.arrayContaining([expect.stringContaining(index)]))
    await first.stop()
    const file = join(folder, 'backup.tar')
    const dataDir = join(folder, 'data')
    const made = await runServerCommand(['backup', '--with-keys', file], {
      SLIPWAY_DATA_DIR: first.dataDir,
    })
    expect(made.code).toBe(0)
    const env = { ...target.env, SLIPWAY_DATA_DIR: dataDir }
    const restored = await runServerCommand(['restore', file], env)
    expect(restored.code).toBe(0)
    expect(await target.read(keyOf(run, 'talk'))).toBe('from files\n')
    await first.restart(env)
    const seen = await first.json<Run>('GET', `/v1/runs/${run.id}`)
    expect((await open(stepNamed(seen, 'talk'))).status).toBe(302)
    expect(await (await fetch(stepNamed(seen, 'talk').logs_url)).text()).toBe('from files\n')
  } finally {
    await first.close()
    target.close()
    await rm(folder, { recursive: true, force: true })
  }
}, 90_000)

describe('S3 away', () => {
  const health = () => server.json<Health>('GET', '/health', { expect: 200 })

  it('degrades health, keeps runs going, and gets their logs when it is back', async () => {
    proxy.mode = 'down'
    const unhealthy = async () => {
      const answer = await server.request('GET', '/health')
      return ((await answer.json()) as Health).checks
    }
    await expect
      .poll(unhealthy, patient)
      .toMatchObject({ object_storage: 'fail', database: 'pass' })
    const run = await runOf('echo while it was away')
    expect(run.status).toBe('success')
    const step = stepNamed(run, 'talk')
    expect(await logOf(server, step)).toBe('while it was away\n')
    expect(server.output.join('\n')).toContain(
      'The object storage with the bucket slipway is away or broken',
    )
    proxy.mode = 'pass'
    await sealed(run, 'talk')
    expect(await bucket.read(keyOf(run, 'talk'))).toBe('while it was away\n')
    await expect.poll(async () => (await health()).status, patient).toBe('healthy')
    expect(await bucket.uploads()).toEqual([])
  })

  it('leaves the logs of a server that ends then to the next one', async () => {
    proxy.mode = 'down'
    const run = await runOf('echo kept here')
    await server.kill()
    await server.restart()
    expect(await logOf(server, stepNamed(run, 'talk'))).toBe('kept here\n')
    const file = join(server.dataDir, 'logs', keyOf(run, 'talk'))
    expect((await readdir(join(file, '..'))).length).toBeGreaterThan(0)
    await server.kill()
    // Nobody goes on with the logs of a run that ended a while ago.
    await database.pool.query(`update runs set completed_at = completed_at - interval '1 hour'`)
    proxy.mode = 'pass'
    await server.restart()
    await sealed(run, 'talk')
    expect(await bucket.read(keyOf(run, 'talk'))).toBe('kept here\n')
  }, 60_000)
})
