// Builds by a real server: made by HTTP, downloaded, killed in each step, cancelled, and beside runs.
import { createHash, randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Build } from '@slipway/contract/builds'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serveGit } from '../support/git-http.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { readZip } from '../support/read-zip.ts'
import { finishedRun, startRun, stepsOf, waitForRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let repository: TestRepository
beforeEach(async () => {
  server = await startTestServer({ SLIPWAY_BUILD_CAPACITY: '1', SLIPWAY_WORKER_CAPACITY: '1' })
  repository = await createRepository(server.repositories, 'acme/shop')
})
afterEach(() => server.close())

const runs = '/api/pipelines/runs'

async function register(name: string, url: string): Promise<number> {
  const body = { name, repository_url: url }
  const { repository: made } = await server.json<{ repository: { id: number } }>(
    'POST',
    '/api/repositories',
    { body },
  )
  return made.id
}

async function create(repositoryId: number): Promise<number> {
  const { pipeline_run: build } = await server.json<{ pipeline_run: Build }>('POST', runs, {
    body: {
      steps_to_execute: ['clone_repo', 'create_zip'],
      git_repository_id: repositoryId,
      output_type: 'zip',
    },
  })
  return build.id
}

const execute = (id: number, expected = 202, query = '?wait=false') =>
  server.json<{ execution_result: { success: boolean; message: string } }>(
    'POST',
    `${runs}/${id}/execute${query}`,
    { expect: expected },
  )

const show = async (id: number) =>
  (await server.json<{ pipeline_run: Build }>('GET', `${runs}/${id}`)).pipeline_run

const ended = async (id: number) => {
  await expect.poll(async () => (await show(id)).completed_at, { timeout: 40_000 }).not.toBeNull()
  return show(id)
}

/** Names of the files below a folder of the data directory. */
async function files(...folder: string[]): Promise<string[]> {
  const within = { recursive: true, withFileTypes: true } as const
  const found = await readdir(join(server.dataDir, ...folder), within).catch(() => [])
  return found.filter((entry) => entry.isFile()).map(({ name }) => name)
}

/** ZIPs, whole and half written. */
const archives = async () => (await files('objects')).filter((name) => !name.includes('.log'))

/** Nothing of any build is there but this many archives. */
async function expectLeft(count: number): Promise<void> {
  const left = async () => [...(await files('work')), ...(await files('git-access'))]
  await expect.poll(left, { timeout: 20_000 }).toEqual([])
  await expect.poll(archives, { timeout: 20_000 }).toHaveLength(count)
  const old = (await readdir(server.dataDir)).filter((name) => name.startsWith('work.'))
  expect(old).toEqual([])
}

/** Commits so much that packing it takes a while. */
async function commitMuch(): Promise<void> {
  await repository.git('config', 'core.compression', '0')
  for (let n = 0; n < 20; n++) {
    await writeFile(join(repository.directory, `random-${n}`), randomBytes(1_500_000))
  }
  await repository.git('add', '.')
  await repository.commit({ 'README.md': '# shop' })
}

/** Waits until the build's archive is being written. */
async function packing(id: number): Promise<void> {
  const half = async () => (await files('objects', '~incoming')).length
  await expect.poll(half, { timeout: 30_000, interval: 10 }).toBe(1)
  expect(await show(id)).toMatchObject({ status: 'running' })
}

/** A way to the repository that lets requests through until it is shut, and again when it is open. */
async function serveGate() {
  let gate: { opened: Promise<void>; open: () => void; arrived: () => void } | null = null
  const url = await serveGit(repository, {
    onRequest: async () => {
      gate?.arrived()
      await gate?.opened
    },
  })
  return {
    url,
    /** Answers when a request waits. */
    shut(): Promise<void> {
      return new Promise((arrived) => {
        let open = () => {}
        const opened = new Promise<void>((resolve) => (open = resolve))
        gate = { opened, open, arrived }
      })
    },
    open() {
      gate?.open()
      gate = null
    },
  }
}

describe('a build', () => {
  it('is created, executed and downloaded by HTTP', async () => {
    const commit = await repository.commit({ 'README.md': '# shop', 'a/b': 'c' })
    const id = await create(await register('acme/shop', `file://${repository.directory}`))
    expect(await execute(id, 200, '')).toMatchObject({
      execution_result: {
        success: true,
        message: 'Pipeline completed successfully with 1 output(s)',
      },
    })
    const build = await show(id)
    expect(build).toMatchObject({ status: 'completed', commit_sha: commit })
    const [output] = build.build_outputs
    const answer = await server.request('GET', output?.download_url ?? '')
    const zip = Buffer.from(await answer.arrayBuffer())
    const sha256 = createHash('sha256').update(zip).digest('hex')
    expect(output).toMatchObject({ checksum_sha256: sha256, file_size_bytes: zip.length })
    expect((await readZip(zip)).map(({ name }) => String(name))).toEqual(['README.md', 'a/b'])
    expect(await files('work')).toEqual([])
    expect(await files('git-access')).toEqual([])
  })
})

describe('a build with a template and a configuration', () => {
  it('is branded and configured before it is packed', async () => {
    await repository.commit({
      'index.html': '<title>Upstream {{edition}}</title>',
      '.env': 'KEPT=1\nCOLOUR=red\n',
    })
    const { template } = await server.json<{ template: { id: number } }>(
      'POST',
      '/api/branding/templates',
      {
        body: {
          name: 'Ours',
          brand_name: 'Acme',
          replacement_rules: [{ pattern: 'Upstream', replacement: 'Acme', use_regex: false }],
        },
      },
    )
    const { configuration } = await server.json<{ configuration: { id: number } }>(
      'POST',
      '/api/configurations',
      { body: { name: 'Ours', settings: { COLOUR: 'blue', EDITION: '{{edition}}' } } },
    )
    const { pipeline_run: made } = await server.json<{ pipeline_run: Build }>('POST', runs, {
      body: {
        steps_to_execute: ['create_zip', 'apply_config', 'apply_branding', 'clone_repo'],
        git_repository_id: await register('acme/shop', `file://${repository.directory}`),
        branding_template_id: template.id,
        configuration_id: configuration.id,
        custom_parameters: { edition: 'home' },
        output_type: 'zip',
      },
    })
    await execute(made.id, 200, '')
    const build = await show(made.id)
    expect(build).toMatchObject({ status: 'completed', error: null })
    expect(build.steps.map(({ key, status }) => `${key} ${status}`)).toEqual([
      'clone_repo completed',
      'apply_branding completed',
      'apply_config completed',
      'create_zip completed',
    ])
    const answer = await server.request('GET', build.build_outputs[0]?.download_url ?? '')
    const entries = await readZip(Buffer.from(await answer.arrayBuffer()))
    expect(entries.map(({ name, content }) => [String(name), String(content)])).toEqual([
      ['.env', 'KEPT=1\nCOLOUR=blue\nEDITION=home\n'],
      ['index.html', '<title>Acme {{edition}}</title>'],
    ])
    expect(build.logs).toContain('Executing step: Apply Branding Template')
  }, 60_000)
})

describe('kill -9 of the server', () => {
  it('while it clones leads to another attempt, and leaves nothing', async () => {
    const commit = await repository.commit({ a: 'x' })
    const gate = await serveGate()
    const id = await create(await register('acme/shop', gate.url))
    const waiting = gate.shut()
    await execute(id)
    await waiting
    await server.kill()
    gate.open()
    await server.restart()
    const build = await ended(id)
    expect(build).toMatchObject({ status: 'completed', attempt: 2, commit_sha: commit })
    expect(build.logs).toMatch(/\] --- attempt 2 ---\n.*\] Starting pipeline execution/)
    await expectLeft(1)
  }, 60_000)

  it('while it packs leads to another attempt, and leaves nothing', async () => {
    await commitMuch()
    const id = await create(await register('acme/shop', `file://${repository.directory}`))
    await execute(id)
    await packing(id)
    await server.kill()
    expect(await files('work')).not.toEqual([])
    await server.restart()
    const build = await ended(id)
    expect(build).toMatchObject({ status: 'completed', attempt: 2 })
    await expectLeft(1)
  }, 60_000)
})

describe('a build that is cancelled', () => {
  it('while it packs stops, and leaves nothing', async () => {
    await commitMuch()
    const id = await create(await register('acme/shop', `file://${repository.directory}`))
    await execute(id)
    await packing(id)
    await server.json('POST', `${runs}/${id}/cancel`, { expect: 200 })
    expect(await show(id)).toMatchObject({ status: 'failed', failure_reason: 'cancelled' })
    await expectLeft(0)
    await expect
      .poll(async () => (await show(id)).logs)
      .toMatch(/\] Pipeline execution cancelled\.\n$/)
  }, 60_000)
})

describe('builds and runs', () => {
  it('do not wait for each other', async () => {
    const script = 'until [ -e $SLIPWAY_CACHE/go ]; do sleep 0.05; done'
    const holding = await createRepository(server.repositories, 'acme/holding')
    const commit = await holding.commit(oneProject([{ name: 's', action: 'run', run: script }]))
    const short = await createRepository(server.repositories, 'acme/short')
    const quick = await short.commit(oneProject([{ name: 's', action: 'run', run: 'true' }]))
    await repository.commit({ a: 'x' })
    const gate = await serveGate()
    const repositoryId = await register('acme/shop', gate.url)
    const first = await create(repositoryId)
    const waiting = gate.shut()
    await execute(first)
    await waiting
    // The one place for builds is taken: runs end all the same.
    const run = await finishedRun(server, await startRun(server, 'acme/short', quick))
    expect(run.status).toBe('success')
    gate.open()
    expect(await ended(first)).toMatchObject({ status: 'completed' })
    // The one place for tasks is taken: builds end all the same.
    const held = await startRun(server, 'acme/holding', commit)
    await waitForRun(server, held, (now) => stepsOf(now)[0]?.status === 'running')
    const second = await create(repositoryId)
    expect(await execute(second, 200, '')).toMatchObject({ execution_result: { success: true } })
    await server.json('DELETE', `/v1/runs/${held}`, { expect: 204 })
  }, 60_000)
})
