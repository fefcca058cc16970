// Workers that can never work say why, and end for good; those whose server or database is away wait.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CreatedToken } from '@slipway/contract/access'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startEmbeddedPostgres } from '../../packages/server/src/db/embedded/start-embedded-postgres.ts'
import { processesOf } from '../support/find-processes.ts'
import { serveGit } from '../support/git-http.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { startPartition } from '../support/partition.ts'
import { quietLog } from '../support/quiet-log.ts'
import {
  listedWorkers,
  type RemoteWorker,
  type RemoteWorkerOptions,
  startRemoteWorker,
  workerToken,
} from '../support/remote-worker.ts'
import {
  finishedRun,
  getRun,
  logOf,
  startRun,
  stepNamed,
  tasksOf,
  waitForLog,
  waitForRun,
} from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

vi.setConfig({ testTimeout: 240_000 })

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_WORKER_TYPES: '' })
})
afterAll(() => server?.close())

async function start(options: RemoteWorkerOptions = {}, at = server): Promise<RemoteWorker> {
  const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock', ...options.env }
  const worker = await startRemoteWorker(at, { ...options, env })
  onTestFinished(() => worker.close())
  return worker
}

/** Its exit code, and all that it said. */
async function refused(
  options: RemoteWorkerOptions,
): Promise<{ code: number | null; said: string }> {
  const worker = await start({ ...options, wait: false })
  const code = await worker.ended(60_000)
  return { code, said: worker.output.join('\n') }
}

async function tokenWith(body: object): Promise<{ id: string; token: string }> {
  const given = { name: `token ${Math.random()}`, roles: ['worker'], ...body }
  return server.json<CreatedToken>('POST', '/v1/tokens', { body: given })
}

describe('a worker that can never work', () => {
  it('says so of a token that is wrong, or of another role', async () => {
    const wrong = await refused({ token: 'slw_wrong' })
    expect(wrong.code).toBe(78)
    expect(wrong.said).toContain('The server refuses this worker: This token is unknown')
    expect(wrong.said).toContain('slipway token create <name> --role worker')
    expect(wrong.said).not.toContain('slw_wrong')
    const { token: operator } = await tokenWith({ roles: ['operator'] })
    expect(await refused({ token: operator })).toMatchObject({
      code: 78,
      said: expect.stringMatching(
        /This needs the permission workers:work.* Make one with: slipway token create .* --role worker/,
      ),
    })
    expect(await listedWorkers(server)).toMatchObject([{ kind: 'server' }])
  })

  it('says which settings are missing or wrong', async () => {
    const none = await refused({ env: { SLIPWAY_WORKER_TOKEN: '' } })
    expect(none.code).toBe(78)
    expect(none.said).toContain('SLIPWAY_WORKER_TOKEN or SLIPWAY_WORKER_TOKEN_FILE')
    const types = await refused({ args: ['--types', 'tasks'] })
    expect(types.code).toBe(78)
    expect(types.said).toContain('there are no jobs of type tasks; did you mean task?')
    const empty = await refused({ env: { SLIPWAY_WORKER_TYPES: '' } })
    expect(empty.said).toContain('a worker without types has nothing to do')
    const option = await refused({ args: ['--token', 'x'] })
    expect(option.code).toBe(2)
  })

  it('says so of a release that is not the server’s, with both versions', async () => {
    const root = await mkdtemp(join(tmpdir(), 'slipway-version-'))
    onTestFinished(() => rm(root, { recursive: true }))
    const own = fileURLToPath(new URL('../../packages/server', import.meta.url))
    const content = JSON.parse(await readFile(join(own, 'package.json'), 'utf8')) as {
      version: string
    }
    await writeFile(join(root, 'package.json'), JSON.stringify({ ...content, version: '7.1.0' }))
    await symlink(join(own, 'dist'), join(root, 'dist'))
    const program = ['--preserve-symlinks-main', join(root, 'dist', 'main.js')]
    const { code, said } = await refused({ program })
    expect(code).toBe(78)
    expect(said).toContain(
      `This worker is of version 7.1.0 and the server of ${content.version}: a worker has to be of the server’s release`,
    )
  })

  it('does not share its data directory', async () => {
    const first = await start()
    const second = await refused({ dataDir: first.dataDir })
    expect(second.code).toBe(78)
    expect(second.said).toContain('is in use by another Slipway')
  })

  it('ends when its token is revoked', async () => {
    const { id, token } = await tokenWith({})
    const worker = await start({ token })
    await server.request('DELETE', `/v1/tokens/${id}`)
    expect(await worker.ended(60_000)).toBe(78)
    expect(worker.output.join('\n')).toContain('The server refuses this worker')
  })

  it('goes on with another token where its file holds one by then', async () => {
    const root = await mkdtemp(join(tmpdir(), 'slipway-token-'))
    onTestFinished(() => rm(root, { recursive: true }))
    const file = join(root, 'token')
    const { id, token } = await tokenWith({})
    await writeFile(file, `${token}\n`)
    const env = { SLIPWAY_WORKER_TOKEN: '', SLIPWAY_WORKER_TOKEN_FILE: file }
    const worker = await start({ env })
    await writeFile(file, await workerToken(server))
    await server.request('DELETE', `/v1/tokens/${id}`)
    await worker.nextWorking()
    expect((await listedWorkers(server)).map((each) => each.id)).toContain(worker.id())
  })
})

/** A repository behind HTTP; answers how to start a run of a script in it. */
async function repositoryOf(
  at: TestServer,
  name: string,
): Promise<(script: string) => Promise<string>> {
  const repository = await createRepository(at.repositories, name)
  const body = { name, repository_url: await serveGit(repository) }
  await at.json('POST', '/api/repositories', { body })
  return async (script) => {
    const steps = [{ name: 'work', action: 'run', run: script }]
    return startRun(at, name, await repository.commit(oneProject(steps)))
  }
}

async function printed(at: TestServer, id: string, text: string): Promise<void> {
  const run = await waitForRun(at, id, (now) => tasksOf(now)[0]?.steps[0]?.status === 'running')
  await waitForLog(at, stepNamed(run, 'work'), text)
}

describe('what is away for a while', () => {
  it('is waited for: a server that has not started yet', async () => {
    const late = await startTestServer({ SLIPWAY_WORKER_TYPES: '' })
    onTestFinished(() => late.close())
    const token = await workerToken(late)
    const { port } = new URL(late.url)
    await late.stop()
    const worker = await start({ token, wait: false, url: late.url }, late)
    await expect
      .poll(() => worker.output.join('\n'), { timeout: 60_000 })
      .toContain('the server does not answer; trying again')
    await late.restart({ PORT: port })
    await expect.poll(() => worker.output.join('\n'), { timeout: 60_000 }).toContain('"working"')
  })

  it('is its server’s database: what goes on is reported when that is back', async () => {
    const root = await mkdtemp(join(tmpdir(), 'slipway-database-'))
    await mkdir(join(root, 'database'))
    let database = await startEmbeddedPostgres({ dataDir: join(root, 'database'), log: quietLog })
    const guarded = await startTestServer({
      SLIPWAY_WORKER_TYPES: '',
      DATABASE_URL: database.url,
    })
    onTestFinished(async () => {
      await guarded.close()
      await database.stop()
      await rm(root, { recursive: true, force: true })
    })
    const begin = await repositoryOf(guarded, 'acme/database')
    const worker = await start({}, guarded)
    const id = await begin('echo up; sleep 4; echo over')
    await printed(guarded, id, 'up\n')
    await database.stop()
    // The step ends meanwhile, and nobody can be told.
    await expect
      .poll(async () => (await guarded.request('GET', '/v1/workers')).status, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(500)
    database = await startEmbeddedPostgres({ dataDir: join(root, 'database'), log: quietLog })
    const run = await finishedRun(guarded, id, 120_000)
    expect(run.status, worker.output.join('\n')).toBe('success')
    expect(tasksOf(run)[0]?.attempt).toBe(1)
    expect(await logOf(guarded, stepNamed(run, 'work'))).toBe('up\nover\n')
  })

  it('is too long: a worker that was cut off stops before another begins', async () => {
    const partition = await startPartition(() => server.url)
    onTestFinished(() => partition.close())
    const begin = await repositoryOf(server, 'acme/partition')
    const lonely = await start({ url: partition.url })
    const seconds = String(400 + (process.pid % 100_000))
    const id = await begin(`echo begun; sleep ${seconds}; echo over`)
    await printed(server, id, 'begun\n')
    partition.begin()
    const other = await start()
    const attempt = async () => {
      expect(processesOf('sleep', seconds).length).toBeLessThan(2)
      return tasksOf(await getRun(server, id))[0]?.attempt
    }
    await expect.poll(attempt, { timeout: 150_000, interval: 300 }).toBe(2)
    const said = lonely.output.join('\n')
    expect(said).toContain('no heartbeat was answered: giving up the jobs in hand')
    await expect.poll(() => processesOf('sleep', seconds), { timeout: 30_000 }).toHaveLength(1)
    partition.end()
    // It is registered anew, and may work again.
    await expect
      .poll(async () => (await listedWorkers(server)).map((each) => each.id), { timeout: 60_000 })
      .toEqual(expect.arrayContaining([lonely.id(), other.id()]))
    expect((await getRun(server, id)).status).toBe('running')
    expect(processesOf('sleep', seconds)).toHaveLength(1)
    await server.request('DELETE', `/v1/runs/${id}`)
  })
})
