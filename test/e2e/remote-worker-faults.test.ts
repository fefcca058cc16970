// What becomes of runs whose worker is on another machine, when something goes wrong: one truthful end each.
import { existsSync, readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { processesWith } from '../support/find-processes.ts'
import { serveGit } from '../support/git-http.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import {
  listedWorkers,
  type RemoteWorker,
  type RemoteWorkerOptions,
  startRemoteWorker,
} from '../support/remote-worker.ts'
import {
  finishedRun,
  getRun,
  logOf,
  startRun,
  stepNamed,
  stepsOf,
  tasksOf,
  waitForLog,
  waitForRun,
} from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// Programs start slowly where others work, too.
vi.setConfig({ testTimeout: 120_000 })

let server: TestServer
let workers: RemoteWorker[] = []
let names = 0
beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_WORKER_TYPES: '', API_RATE_LIMIT: '100000' })
})
afterAll(() => server?.close())
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.close()))
  workers = []
})

async function start(options: RemoteWorkerOptions = {}): Promise<RemoteWorker> {
  const worker = await startRemoteWorker(server, {
    ...options,
    env: { DOCKER_HOST: 'unix:///nowhere/docker.sock', ...options.env },
  })
  workers.push(worker)
  return worker
}

interface Place {
  name: string
  repository: TestRepository
}

/** A repository that workers reach by HTTP. */
async function place(serve: Parameters<typeof serveGit>[1] = {}): Promise<Place> {
  const name = `acme/remote-${(names += 1)}`
  const repository = await createRepository(server.repositories, name)
  const body = { name, repository_url: await serveGit(repository, serve) }
  await server.json('POST', '/api/repositories', { body })
  return { name, repository }
}

/** Starts a run of a project with these files or this script. */
async function begin(
  { name, repository }: Place,
  what: string | Record<string, string>,
): Promise<string> {
  const steps = [{ name: 'work', action: 'run', run: what }]
  const commit = await repository.commit(typeof what === 'string' ? oneProject(steps) : what)
  return startRun(server, name, commit)
}

/** Once its step `work` has printed this. */
async function printed(id: string, text: string): Promise<void> {
  const run = await waitForRun(server, id, (now) =>
    stepsOf(now).some(({ name, status }) => name === 'work' && status === 'running'),
  )
  await waitForLog(server, stepNamed(run, 'work'), text)
}

/** Goes on when a second attempt finds what the first has left, and is alone at any time. */
const twoAttempts = [
  'exec 9> $SLIPWAY_CACHE/lock; flock -n 9 || { echo "twice at once"; exit 99; }',
  'if [ -e $SLIPWAY_CACHE/second ]; then echo finished; exit 0; fi',
  'touch $SLIPWAY_CACHE/second; echo begun; sleep 300',
].join('\n')

describe('a cancelled run', () => {
  it('is stopped at its worker within ten seconds', async () => {
    await start()
    const marker = `sleep 31${Date.now() % 1_000_000}`
    const id = await begin(await place(), `echo up; ${marker}`)
    await printed(id, 'up\n')
    expect(processesWith(marker).length).toBeGreaterThan(0)
    await server.request('DELETE', `/v1/runs/${id}`)
    await expect.poll(() => processesWith(marker), { timeout: 10_000 }).toEqual([])
    expect((await getRun(server, id)).status).toBe('cancelled')
    await expect.poll(() => inHand(), { timeout: 10_000 }).toBe(0)
  })
})

async function inHand(): Promise<number> {
  return (await listedWorkers(server)).reduce((sum, worker) => sum + worker.in_hand, 0)
}

describe('kill -9 of a worker', () => {
  it('in discovery: its supervisor starts it again, and the run goes on within 15 seconds', async () => {
    const worker = await start()
    let asked = () => {}
    const hangs = new Promise<void>((resolve) => (asked = resolve))
    let requests = 0
    const where = await place({
      onRequest: () => {
        requests += 1
        if (requests > 1) return undefined
        asked()
        return new Promise(() => {})
      },
    })
    const id = await begin(where, 'echo done')
    await hangs
    await worker.killWorking()
    const run = await finishedRun(server, id, 15_000)
    expect(run.status).toBe('success')
    expect(worker.output.join('\n')).toContain('the worker died; it is started again')
  })

  it('in a step: another attempt begins within 15 seconds, alone, with a log that goes on', async () => {
    const worker = await start()
    const where = await place()
    const id = await begin(where, twoAttempts)
    await printed(id, 'begun\n')
    const before = worker.id()
    await worker.killWorking()
    const run = await finishedRun(server, id, 15_000)
    expect(run.status).toBe('success')
    expect(tasksOf(run)[0]?.attempt).toBe(2)
    const log = await logOf(server, stepNamed(run, 'work'))
    expect(log).toBe('begun\n--- attempt 2 ---\nfinished\n')
    const ids = (await listedWorkers(server)).map((each) => each.id)
    expect(ids).not.toContain(before)
    expect(ids).toContain(worker.id())
  })

  it('while it makes an artifact: the next attempt makes it, once', async () => {
    const worker = await start()
    const where = await place()
    const id = await begin(where, {
      '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { test: {} } }),
      '.forge/project.json': JSON.stringify({
        name: 'app',
        phases: { test: { steps: [{ name: 's', run: 'true' }] } },
        artifacts: {
          tool: {
            type: 'binary',
            producer: {
              run: 'if [ ! -e $SLIPWAY_CACHE/second ]; then touch $SLIPWAY_CACHE/second; echo begun; sleep 300; fi; echo made > tool',
              path: 'tool',
            },
          },
        },
        release: { on: [{ branch: 'main' }] },
      }),
    })
    const making = await waitForRun(server, id, (run) =>
      stepsOf(run).some(({ name, status }) => name === 'tool' && status === 'running'),
    )
    await waitForLog(server, stepNamed(making, 'tool'), 'begun\n')
    await worker.killWorking()
    const run = await finishedRun(server, id)
    expect(run.status, JSON.stringify(run)).toBe('success')
    const { releases } = await server.json<{ releases: unknown[] }>(
      'GET',
      `/v1/releases/${where.name}/app`,
    )
    expect(releases).toHaveLength(1)
  })

  it('at any moment leaves runs that end truthfully', async () => {
    const worker = await start()
    const where = await place()
    const files = {
      '.forge/repo.json': JSON.stringify({
        forgeVersion: 1,
        phases: { one: { group: 1 }, two: { group: 2 } },
      }),
      '.forge/project.json': JSON.stringify({
        name: 'app',
        phases: {
          one: { steps: [{ name: 'a', run: 'sleep 0.1' }] },
          two: { steps: [{ name: 'b', run: 'sleep 0.1' }] },
        },
        release: { on: [{ branch: 'main' }] },
        deploy: { resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }] },
      }),
    }
    const ids: string[] = []
    for (let n = 0; n < 4; n++) {
      const commit = await where.repository.commit({ ...files, [`${n}`]: `${n}` })
      const id = await startRun(server, where.name, commit)
      ids.push(id)
      await waitForRun(
        server,
        id,
        (run) =>
          run.phases.filter(({ status }) => status !== 'pending').length >= n ||
          run.completed_at !== null,
      )
      await worker.killWorking()
    }
    for (const id of ids) {
      const run = await finishedRun(server, id)
      expect(run.status, JSON.stringify(run)).toBe('success')
    }
    const { releases } = await server.json<{ releases: unknown[] }>(
      'GET',
      `/v1/releases/${where.name}/app`,
    )
    expect(releases).toHaveLength(4)
    await expect.poll(() => inHand()).toBe(0)
  })

  it('of its supervisor ends the worker too, which gives its jobs back', async () => {
    const worker = await start()
    const where = await place()
    const id = await begin(where, twoAttempts)
    await printed(id, 'begun\n')
    const working = worker.workingPid()
    worker.signal('SIGKILL')
    await expect.poll(() => isAlive(working), { timeout: 15_000 }).toBe(false)
    expect((await getRun(server, id)).status).toBe('running')
    // Nothing is in anybody's hands, and the cache of the dead one is another's.
    await expect.poll(() => inHand()).toBe(0)
    await start({ dataDir: worker.dataDir })
    expect((await finishedRun(server, id)).status).toBe('success')
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe('a server that is killed and comes back', () => {
  it('finds the step going on: it is reported, and its log is whole', async () => {
    const worker = await start()
    const where = await place()
    const script = 'for i in $(seq 1 600); do echo "line $i"; sleep 0.02; done; echo over'
    const id = await begin(where, script)
    await printed(id, 'line 50\n')
    const working = worker.workingPid()
    await server.kill()
    await server.restart({ PORT: new URL(server.url).port })
    const run = await finishedRun(server, id)
    expect(run.status, worker.output.join('\n')).toBe('success')
    expect(tasksOf(run)[0]?.attempt).toBe(1)
    expect(worker.workingPid()).toBe(working)
    const log = await logOf(server, stepNamed(run, 'work'))
    const lines = Array.from({ length: 600 }, (_, n) => `line ${n + 1}\n`)
    expect(log).toBe(`${lines.join('')}over\n`)
  })

  it('is told what ended meanwhile', async () => {
    const worker = await start()
    const where = await place()
    const id = await begin(where, 'echo up; sleep 2; echo over')
    await printed(id, 'up\n')
    await server.kill()
    // Its report is on its way, again and again.
    await expect
      .poll(() => worker.output.join('\n'), { timeout: 20_000 })
      .toContain('heartbeat failed')
    await server.restart({ PORT: new URL(server.url).port })
    const run = await finishedRun(server, id)
    expect(run.status).toBe('success')
    expect(tasksOf(run)[0]?.attempt).toBe(1)
    expect(await logOf(server, stepNamed(run, 'work'))).toBe('up\nover\n')
  })
})

describe('answers that are lost on their way', () => {
  it('cost no attempt: what was reported is reported again', async () => {
    const proxy = await startCuttingProxy(new URL(server.url).host)
    onTestFinished(() => proxy.close())
    const lost = new Map<string, number>()
    const reports = /\/(?:report|discovery|artifact|outcomes|repository|secrets)$/
    proxy.cut = ({ url }) => {
      const [path = ''] = url.split('?')
      if (!reports.test(path)) return null
      const count = lost.get(path) ?? 0
      lost.set(path, count + 1)
      return count === 0 ? 0 : null
    }
    await start({ url: `http://${proxy.host}` })
    const id = await begin(await place(), 'echo once')
    const run = await finishedRun(server, id)
    expect(run.status, JSON.stringify(run)).toBe('success')
    expect(tasksOf(run)[0]?.attempt).toBe(1)
    expect(await logOf(server, stepNamed(run, 'work'))).toBe('once\n')
    expect([...lost.values()].every((count) => count >= 1)).toBe(true)
    expect(lost.size).toBeGreaterThanOrEqual(3)
  })
})

describe('a worker that is told to end', () => {
  it('takes nothing new, does what it has, and leaves', async () => {
    const worker = await start()
    const where = await place()
    const id = await begin(where, 'echo up; while [ ! -e $SLIPWAY_CACHE/go ]; do sleep 0.05; done')
    await printed(id, 'up\n')
    worker.signal('SIGTERM')
    await expect.poll(() => worker.output.join('\n')).toContain('draining: no new jobs are taken')
    const other = await begin(await place(), 'echo other')
    const { pathname } = new URL(stepNamed(await getRun(server, id), 'work').logs_url)
    expect(pathname).toBeTruthy()
    await letGo(worker)
    expect(await worker.ended()).toBe(0)
    const run = await finishedRun(server, id)
    expect(run.status).toBe('success')
    expect(tasksOf(run)[0]?.attempt).toBe(1)
    expect((await getRun(server, other)).status).toBe('pending')
    expect((await listedWorkers(server)).filter(({ kind }) => kind === 'remote')).toEqual([])
    await server.request('DELETE', `/v1/runs/${other}`)
  })

  it('gives back what is not done in time; that does not count as an attempt of the job', async () => {
    const worker = await start({ env: { SLIPWAY_DRAIN_TIMEOUT: '1s' } })
    const where = await place()
    const id = await begin(where, 'echo up; sleep 300')
    await printed(id, 'up\n')
    worker.signal('SIGTERM')
    expect(await worker.ended()).toBe(0)
    expect(await inHand()).toBe(0)
    expect((await getRun(server, id)).status).toBe('running')
    await server.request('DELETE', `/v1/runs/${id}`)
  })

  it('twice gives all back at once', async () => {
    const worker = await start()
    const id = await begin(await place(), 'echo up; sleep 300')
    await printed(id, 'up\n')
    worker.signal('SIGTERM')
    // Two that come together are one to the kernel.
    await expect.poll(() => worker.output.join('\n')).toContain('draining: no new jobs are taken')
    worker.signal('SIGTERM')
    expect(await worker.ended(15_000)).toBe(0)
    expect(await inHand()).toBe(0)
    await server.request('DELETE', `/v1/runs/${id}`)
  })
})

/** Lets go the step that waits for a file in the cache of its repository. */
async function letGo(worker: RemoteWorker): Promise<void> {
  const cache = join(worker.dataDir, 'cache')
  const folders = await readdir(cache, { recursive: true, withFileTypes: true })
  for (const entry of folders.filter((each) => each.isDirectory())) {
    await writeFile(join(entry.parentPath, entry.name, 'go'), '')
  }
}

describe('the worker inside of a server', () => {
  it('is drained, too: others do what there is', async () => {
    const both = await startTestServer()
    onTestFinished(() => both.close())
    const [own] = await listedWorkers(both)
    expect(own).toMatchObject({ kind: 'server', draining: false })
    await both.json('POST', `/v1/workers/${own?.id}/drain`, { expect: 200 })
    const repository = await createRepository(both.repositories, 'acme/own')
    const steps = [{ name: 's', action: 'run', run: 'true' }]
    const id = await startRun(both, 'acme/own', await repository.commit(oneProject(steps)))
    const worker = await startRemoteWorker(both, {
      env: { SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true', DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    })
    workers.push(worker)
    expect((await finishedRun(both, id)).status).toBe('success')
    expect(existsSync(join(worker.dataDir, 'mirrors'))).toBe(true)
    expect(existsSync(join(both.dataDir, 'mirrors'))).toBe(false)
  })
})
