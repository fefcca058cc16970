// Jobs of GitHub Actions and images of builds, on the engine of a worker that is not the server's.
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type DelegationPlace, nothing, startDelegationPlace } from '../support/delegations.ts'
import { type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'

vi.setConfig({ testTimeout: 180_000 })

let place: DelegationPlace
let worker: RemoteWorker
beforeAll(async () => {
  // The server itself has no engine.
  place = await startDelegationPlace([{ name: 'shell' }], {
    SLIPWAY_WORKER_TYPES: '',
    DOCKER_HOST: 'unix:///nowhere/docker.sock',
  })
  worker = await startRemoteWorker(place.server, {
    env: { DOCKER_HOST: place.dockerd.host, SLIPWAY_PULL_IMAGES: 'false' },
  })
}, 120_000)
afterAll(async () => {
  await worker?.close()
  await place?.close()
})
afterEach(async () => {
  await expect.poll(() => place.left(), { timeout: 60_000 }).toEqual(nothing)
})

it('run at the worker, which offers them because it has an engine', async () => {
  expect(worker.output.join('\n')).toMatch(/"types":\[[^\]]*"delegation"/)
  const id = await place.delegate('echo "$GITHUB_REPOSITORY"; exit 3')
  expect(await place.ended(id)).toMatchObject({
    status: 'failed',
    exitCode: 3,
    metadata: { reason: null, attempt: 1 },
  })
  expect(await place.lines(id)).toEqual(['owner/repo'])
})

it('are cancelled there', async () => {
  const id = await place.delegate('echo one; sleep 300')
  await place.until(id, ({ status }) => status === 'running')
  await expect.poll(() => place.lines(id), { timeout: 20_000 }).toEqual(['one'])
  await place.server.json('POST', `/api/jobs/${id}/cancel`, { expect: 200 })
  expect(await place.ended(id)).toMatchObject({ status: 'cancelled' })
})

it('go on when the worker is killed: the next one finds their containers', async () => {
  const id = await place.delegate('echo one; sleep 3; echo two; exit 4')
  const before = await place.until(id, ({ status }) => status === 'running')
  await expect.poll(() => place.lines(id), { timeout: 20_000 }).toEqual(['one'])
  await worker.killWorking()
  const job = await place.ended(id)
  expect(job).toMatchObject({ status: 'failed', exitCode: 4, containerId: before.containerId })
  await expect.poll(() => place.lines(id), { timeout: 20_000 }).toEqual(['one', 'two'])
})
