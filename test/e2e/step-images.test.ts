// Steps that name an image run in a container of it, the others as processes, in one workspace.
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { busyboxFiles, type Dockerd, startDockerd } from '../support/dockerd.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { finishedRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startSlowRegistry } from '../support/slow-registry.ts'

vi.setConfig({ testTimeout: 120_000 })

let dockerd: Dockerd
let server: TestServer
beforeAll(async () => {
  dockerd = await startDockerd()
  await dockerd.importImage('shell:1', await busyboxFiles({ 'etc/of-image': 'of the image\n' }))
  server = await startTestServer({ DOCKER_HOST: dockerd.host, SLIPWAY_PULL_IMAGES: 'false' })
})
afterAll(async () => {
  await server?.close()
  await dockerd?.close()
})

async function run(name: string, steps: Parameters<typeof oneProject>[0]) {
  const repository = await createRepository(server.repositories, name)
  const commit = await repository.commit(oneProject(steps))
  return finishedRun(server, await startRun(server, name, commit))
}

it('runs a step in its image, beside others that have none', async () => {
  const end = await run('acme/shop', [
    { name: 'before', action: 'run', run: 'echo from before >given' },
    {
      name: 'inside',
      action: 'run',
      image: 'shell:1',
      run: 'cat given /etc/of-image; echo "$SLIPWAY_STEP"; echo made >made; ls /usr 2>&1',
      needs: ['before'],
    },
    { name: 'after', action: 'run', run: 'cat made', needs: ['inside'] },
  ])
  const log = await logOf(server, stepNamed(end, 'inside'))
  expect(log).toMatch(/^from before\nof the image\ninside\nls: \/usr: No such file/)
  expect(end.status).toBe('failed')
})

it('says which image is missing, and of an engine that is away that it is', async () => {
  const missing = await run('acme/missing', [
    { name: 'inside', action: 'run', image: 'no/such:1', run: 'true' },
  ])
  expect(missing.status).toBe('failed')
  expect(stepNamed(missing, 'inside').error).toContain('no/such:1')
  await dockerd.kill()
  const away = await run('acme/away', [
    { name: 'inside', action: 'run', image: 'shell:1', run: 'true' },
  ])
  expect(stepNamed(away, 'inside').error).toContain('DOCKER_HOST')
  const without = await run('acme/without', [{ name: 'outside', action: 'run', run: 'true' }])
  expect(without.status).toBe('success')
  await dockerd.start()
  const back = await run('acme/back', [
    { name: 'inside', action: 'run', image: 'shell:1', run: 'echo back' },
  ])
  expect(back.status).toBe('success')
  await expect.poll(() => dockerd.ask('/containers/json?all=1')).toEqual([])
})

it('gives up a step that is cancelled while its image is pulled', async () => {
  const slow = await startSlowRegistry()
  onTestFinished(() => slow.close())
  const pulling = await startTestServer({
    DOCKER_HOST: dockerd.host,
    SLIPWAY_WORKER_CAPACITY: '1',
  })
  onTestFinished(() => pulling.close())
  const repository = await createRepository(pulling.repositories, 'acme/pulls')
  const image = `${slow.host}/jobs/slow:1`
  const first = await repository.commit(
    oneProject([{ name: 'inside', action: 'run', image, run: 'true' }]),
  )
  const second = await repository.commit(
    oneProject([{ name: 'outside', action: 'run', run: 'true' }]),
  )
  const id = await startRun(pulling, 'acme/pulls', first)
  await slow.asked
  await pulling.request('DELETE', `/v1/runs/${id}`)
  expect(await finishedRun(pulling, id)).toMatchObject({ status: 'cancelled' })
  // The only worker is free again.
  const next = await finishedRun(pulling, await startRun(pulling, 'acme/pulls', second))
  expect(next.status).toBe('success')
})
