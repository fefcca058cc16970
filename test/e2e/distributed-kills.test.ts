// The server is killed in each phase of a run, and its database under it, while workers elsewhere go on.
import type { ListDeploymentsResponse } from '@slipway/contract/deployments'
import type { Run } from '@slipway/contract/runs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeScratch, startOwner, urlOf } from '../support/database-processes.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import {
  finishedRun,
  getRun,
  logOf,
  startRun,
  stepNamed,
  stepsOf,
  tasksOf,
} from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { coursesOf, createStepMarks, type StepMarks } from '../support/step-marks.ts'

vi.setConfig({ testTimeout: 240_000, expect: { poll: { timeout: 60_000, interval: 60 } } })

const name = 'acme/shop'
let scratch: Awaited<ReturnType<typeof makeScratch>>
let owner: ReturnType<typeof startOwner>
let server: TestServer
let marks: StepMarks
let workers: RemoteWorker[]
let repository: TestRepository
beforeEach(async () => {
  scratch = await makeScratch()
  owner = startOwner(scratch.path)
  marks = await createStepMarks()
  const url = await urlOf(owner)
  server = await startTestServer({ DATABASE_URL: url, SLIPWAY_WORKER_TYPES: '' })
  repository = await createRepository(server.repositories, name)
  workers = [await start(), await start()]
}, 120_000)
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.close()))
  await server.close()
  await owner.stop()
  await marks.close()
  await scratch.remove()
})

async function start(): Promise<RemoteWorker> {
  return startRemoteWorker(server, {
    dataDir: await marks.dataDir(),
    env: {
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
      SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
      SLIPWAY_WORKER_CAPACITY: '2',
    },
  })
}

const courses = async () => coursesOf(await marks.read())
const waits = (file: string) =>
  `echo up; until [ -e "$MARKS/${file}" ]; do sleep 0.05; done; echo over`

async function killServer(): Promise<void> {
  await server.kill()
  await server.restart({ PORT: new URL(server.url).port })
}

/** One run with two groups of phases, an artifact, a release, and its deployment to the first environment. */
async function deliver(n: number): Promise<string> {
  const phase = (step: string) => ({
    steps: [{ name: step, action: 'run', run: marks.script(step, waits(step)) }],
  })
  const producer = `${marks.script(`tool-${n}`, waits(`tool-${n}`))}\necho made > tool`
  const commit = await repository.commit({
    '.forge/repo.json': JSON.stringify({
      forgeVersion: 1,
      phases: { one: { group: 1 }, two: { group: 2 } },
    }),
    '.forge/project.json': JSON.stringify({
      name: 'app',
      phases: { one: phase(`one-${n}`), two: phase(`two-${n}`) },
      artifacts: { tool: { type: 'binary', producer: { run: producer, path: 'tool' } } },
      release: { on: [{ branch: 'main' }] },
      deploy: { resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }] },
    }),
  })
  return startRun(server, name, commit)
}

describe('kill -9 of the server', () => {
  it('in any phase of a run costs no attempt of its steps: they go on at their workers, each once', async () => {
    const steps = (n: number) => [`one-${n}`, `two-${n}`, `tool-${n}`]
    const ids: string[] = []
    const letGo = async (...names: string[]) => {
      for (const each of names) {
        await expect.poll(courses).toHaveProperty(each)
        await marks.tell(each)
      }
    }
    // In discovery.
    ids.push(await deliver(0))
    await killServer()
    await letGo(...steps(0))
    // In each of the steps, which end while the server is away.
    for (const [at, step] of ['one', 'two', 'tool'].entries()) {
      const n = at + 1
      ids.push(await deliver(n))
      await letGo(...steps(n).slice(0, at))
      await expect.poll(courses).toHaveProperty(`${step}-${n}`)
      await server.kill()
      await marks.tell(`${step}-${n}`)
      await expect.poll(courses).toMatchObject({ [`${step}-${n}`]: 'begin end' })
      await server.restart({ PORT: new URL(server.url).port })
      await letGo(...steps(n).slice(at + 1))
    }
    // Once all steps have ended: while it is released and deployed.
    for (const n of [4, 5]) {
      const id = await deliver(n)
      ids.push(id)
      await letGo(...steps(n))
      const isOver = (run: Run) =>
        n === 4
          ? stepsOf(run).every(({ status }) => status === 'success')
          : run.completed_at !== null
      await expect.poll(async () => isOver(await getRun(server, id))).toBe(true)
      await killServer()
    }
    for (const id of ids) {
      const run = await finishedRun(server, id)
      expect(run.status, JSON.stringify(run)).toBe('success')
      const tasks = tasksOf(run).filter((task) => /^(one|two)-/.test(task.steps[0]?.name ?? ''))
      expect(tasks.map(({ attempt }) => attempt)).toEqual([1, 1])
      for (const { name: step } of stepsOf(run).filter((each) => /^(one|two)-/.test(each.name))) {
        expect(await logOf(server, stepNamed(run, step))).toBe('up\nover\n')
      }
    }
    const ended = await courses()
    const all = [0, 1, 2, 3, 4, 5].flatMap(steps)
    expect(Object.keys(ended).toSorted()).toEqual(all.toSorted())
    for (const step of all) {
      // Whoever cannot publish since the server is away makes the artifact once more, afterwards.
      const course = step.startsWith('tool') ? /^begin end( begin end){0,2}$/ : /^begin end$/
      expect(ended[step], step).toMatch(course)
    }
    const { releases } = await server.json<{ releases: unknown[] }>(
      'GET',
      `/v1/releases/${name}/app`,
    )
    expect(releases).toHaveLength(ids.length)
    const deployed = async () => {
      const answer = await server.json<ListDeploymentsResponse>('GET', '/v1/deployments')
      return answer.deployments.map(({ status }) => status)
    }
    // Each release was deployed once, and none is left under way.
    await expect.poll(deployed).toEqual(['active', ...ids.slice(1).map(() => 'superseded')])
  })
})

describe('kill -9 of the database, twice', () => {
  it('loses nothing that was accepted or has ended, and begins no step twice', async () => {
    const ids: string[] = []
    const begin = async (step: string) => {
      const steps = [{ name: step, action: 'run', run: marks.script(step, waits(step)) }]
      ids.push(await startRun(server, name, await repository.commit(oneProject(steps))))
    }
    for (const round of [1, 2]) {
      await begin(`held-${round}`)
      await begin(`ends-${round}`)
      await expect
        .poll(courses)
        .toMatchObject({ [`held-${round}`]: 'begin', [`ends-${round}`]: 'begin' })
      await begin(`waits-${round}`)
      await owner.kill()
      await marks.tell(`ends-${round}`)
      await expect.poll(courses).toMatchObject({ [`ends-${round}`]: 'begin end' })
      const status = async () => (await server.request('GET', '/v1/workers')).status
      await expect.poll(status).toBeGreaterThanOrEqual(500)
      owner = startOwner(scratch.path)
      await urlOf(owner)
      await expect.poll(status).toBe(200)
      await expect.poll(courses).toHaveProperty(`waits-${round}`)
      await marks.tell(`held-${round}`)
      await marks.tell(`waits-${round}`)
    }
    for (const id of ids) {
      const run = await finishedRun(server, id)
      expect(run.status, JSON.stringify(run)).toBe('success')
      expect(tasksOf(run).map(({ attempt }) => attempt)).toEqual([1])
      expect(await logOf(server, stepNamed(run, stepsOf(run)[0]?.name ?? ''))).toBe('up\nover\n')
    }
    const names = [1, 2].flatMap((round) => [`held-${round}`, `ends-${round}`, `waits-${round}`])
    expect(await courses()).toEqual(Object.fromEntries(names.map((step) => [step, 'begin end'])))
  })
})
