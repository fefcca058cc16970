// Workers on other machines whose jobs come by NATS, and one that does without.
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { processesOf } from '../support/find-processes.ts'
import { serveGit } from '../support/git-http.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startNats, type TestNats } from '../support/nats.ts'
import { type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import {
  finishedRun,
  getRun,
  startRun,
  stepNamed,
  tasksOf,
  waitForLog,
  waitForRun,
} from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

vi.setConfig({ testTimeout: 120_000 })

let nats: TestNats
let server: TestServer
const workers: RemoteWorker[] = []
beforeAll(async () => {
  nats = await startNats()
  const env = { NATS_URL: `nats://${nats.host}` }
  server = await startTestServer({ SLIPWAY_WORKER_TYPES: '', ...env })
  const none = { DOCKER_HOST: 'unix:///nowhere/docker.sock', SLIPWAY_WORKER_CAPACITY: '2' }
  workers.push(await startRemoteWorker(server, { env: { ...none, ...env } }))
  workers.push(await startRemoteWorker(server, { env: { ...none, ...env } }))
}, 120_000)
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close()))
  await server?.close()
  await nats?.close()
})

async function repository(name: string): Promise<TestRepository> {
  const made = await createRepository(server.repositories, name)
  const body = { name, repository_url: await serveGit(made) }
  await server.json('POST', '/api/repositories', { body })
  return made
}

it('do all runs between them, each task once', async () => {
  const { commit } = await repository('acme/many')
  const ids: string[] = []
  for (let n = 0; n < 6; n++) {
    const sha = await commit({
      ...oneProject([{ name: 's', action: 'run', run: 'sleep 0.2' }]),
      n: `${n}`,
    })
    ids.push(await startRun(server, 'acme/many', sha))
  }
  for (const id of ids) {
    const run = await finishedRun(server, id)
    expect(run.status).toBe('success')
    expect(tasksOf(run).map(({ attempt }) => attempt)).toEqual([1])
  }
})

it('are told of a cancelled run', async () => {
  const { commit } = await repository('acme/cancelled')
  const seconds = String(500 + (process.pid % 100_000))
  const sha = await commit(
    oneProject([{ name: 's', action: 'run', run: `echo up; sleep ${seconds}` }]),
  )
  const id = await startRun(server, 'acme/cancelled', sha)
  const run = await waitForRun(server, id, (now) => tasksOf(now)[0]?.steps[0]?.status === 'running')
  await waitForLog(server, stepNamed(run, 's'), 'up\n')
  await server.request('DELETE', `/v1/runs/${id}`)
  await expect.poll(() => processesOf('sleep', seconds), { timeout: 10_000 }).toEqual([])
  expect((await getRun(server, id)).status).toBe('cancelled')
})

it('need not have NATS themselves', async () => {
  const { commit } = await repository('acme/without')
  await Promise.all(workers.splice(0).map((worker) => worker.close()))
  workers.push(
    await startRemoteWorker(server, { env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } }),
  )
  const sha = await commit(oneProject([{ name: 's', action: 'run', run: 'echo fine' }]))
  expect((await finishedRun(server, await startRun(server, 'acme/without', sha))).status).toBe(
    'success',
  )
})
