// Two servers that do no jobs, and several workers behind what spreads their requests over both.
import type { Run } from '@slipway/contract/runs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { serveGit } from '../support/git-http.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { type Partition, startPartition } from '../support/partition.ts'
import { startRadosgw, type TestS3 } from '../support/radosgw.ts'
import { listedWorkers, type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import { finishedRun, logOf, startRun, stepNamed, tasksOf, waitForRun } from '../support/runs.ts'
import { createServerGroup, type ServerGroup } from '../support/server-group.ts'
import type { TestServer } from '../support/server.ts'

vi.setConfig({ testTimeout: 180_000 })

let s3: TestS3
let group: ServerGroup
let servers: [TestServer, TestServer]
/** Servers that answer; requests go to them in turn. */
let alive: TestServer[] = []
let spread: Partition
let turn = 0
const workers: RemoteWorker[] = []
const name = 'acme/spread'

beforeAll(async () => {
  s3 = await startRadosgw()
  group = await createServerGroup(s3, 'two-servers-workers')
  const control = { SLIPWAY_WORKER_TYPES: '' }
  servers = [await group.start(control), await group.start(control)]
  alive = [...servers]
  spread = await startPartition(() => alive[(turn += 1) % alive.length]?.url ?? servers[0].url)
  const env = {
    DOCKER_HOST: 'unix:///nowhere/docker.sock',
    SLIPWAY_WORKER_CAPACITY: '2',
  }
  for (let n = 0; n < 3; n++) {
    workers.push(await startRemoteWorker(servers[0], { env, url: spread.url }))
  }
}, 240_000)
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close()))
  await spread?.close()
  await group?.close()
  await s3?.close()
})

async function registered(): Promise<TestRepository> {
  const repository = await createRepository(group.repositories, name)
  const body = { name, repository_url: await serveGit(repository) }
  await servers[0].json('POST', '/api/repositories', { body })
  return repository
}

it('do every run once, also while one of the servers is killed', async () => {
  const repository = await registered()
  const steps = [
    { name: 's', action: 'run', run: 'for i in $(seq 1 40); do echo $i; sleep 0.05; done' },
  ]
  const start = async (at: TestServer, n: number) => {
    const commit = await repository.commit({ ...oneProject(steps), [`${n}`]: `${n}` })
    return startRun(at, name, commit)
  }
  const ids: string[] = []
  for (let n = 0; n < 8; n++) ids.push(await start(servers[n % 2 === 0 ? 0 : 1], n))
  // All of both are seen at either.
  expect((await listedWorkers(servers[0])).filter(({ kind }) => kind === 'remote')).toHaveLength(3)
  const begun = ({ phases }: Run) => phases.some(({ status }) => status !== 'pending')
  await waitForRun(servers[1], ids.at(-1) ?? '', begun)
  alive = [servers[1]]
  await servers[0].kill()
  for (let n = 8; n < 10; n++) ids.push(await start(servers[1], n))
  const lines = Array.from({ length: 40 }, (_, n) => `${n + 1}\n`).join('')
  for (const id of ids) {
    const run = await finishedRun(servers[1], id, 120_000)
    expect(run.status, JSON.stringify(run)).toBe('success')
    expect(tasksOf(run).map(({ attempt }) => attempt)).toEqual([1])
    expect(await logOf(servers[1], stepNamed(run, 's'))).toBe(lines)
  }
})
