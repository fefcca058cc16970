// A server whose steps run as Jobs of a cluster.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { busyboxFiles, type Dockerd, startDockerd } from '../support/dockerd.ts'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { startWorkingCluster, type WorkingCluster } from '../support/kubernetes/working-cluster.ts'
import { finishedRun, logOf, startRun, stepNamed, waitForLog, waitForRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

vi.setConfig({ testTimeout: 120_000 })

let dockerd: Dockerd
let cluster: WorkingCluster
let server: TestServer
beforeAll(async () => {
  dockerd = await startDockerd()
  await dockerd.importImage('tools:1', await busyboxFiles({ 'etc/of-image': 'of the image\n' }))
  cluster = await startWorkingCluster(dockerd)
  cluster.node.addClaim('slipway-data', '/tmp')
  server = await startTestServer({
    SLIPWAY_EXECUTOR: 'kubernetes',
    SLIPWAY_STEP_IMAGE: 'tools:1',
    SLIPWAY_PULL_IMAGES: 'false',
    KUBECONFIG: cluster.kubeconfig,
    KUBERNETES_VOLUME_CLAIM: 'slipway-data',
    KUBERNETES_VOLUME_PATH: '/tmp',
    // Tests run as whoever runs them.
    KUBERNETES_RUN_AS: `${process.getuid?.() ?? 0}`,
  })
})
afterAll(async () => {
  await server?.close()
  await cluster?.close()
  await dockerd?.close()
})

const nothingLeft = () =>
  expect
    .poll(() =>
      ['jobs', 'pods', 'secrets'].flatMap((plural) =>
        cluster.store.list(plural, cluster.namespace),
      ),
    )
    .toEqual([])

async function start(name: string, steps: Parameters<typeof oneProject>[0]) {
  const repository = await createRepository(server.repositories, name)
  const commit = await repository.commit({ 'a-file': 'in the commit\n', ...oneProject(steps) })
  return startRun(server, name, commit)
}

describe('a run whose steps are Jobs of a cluster', () => {
  it('has one workspace for all steps, their secrets masked, and leaves nothing in the cluster', async () => {
    await server.json('PUT', '/v1/secrets/acme/TOKEN', {
      body: { value: 'correct-horse-battery' },
      expect: 201,
    })
    const id = await start('acme/shop', [
      {
        name: 'first',
        action: 'run',
        run: 'cat a-file /etc/of-image >made; git --version || true',
      },
      {
        name: 'second',
        action: 'run',
        run: 'cat made; echo "$TOKEN"; cat "$KEY"; echo "$SLIPWAY_STEP"',
        secrets: ['TOKEN', { name: 'TOKEN', env: 'KEY', file: true }],
        needs: ['first'],
      },
    ])
    const end = await finishedRun(server, id)
    const log = await logOf(server, stepNamed(end, 'second'))
    expect(log).toContain('in the commit\nof the image\n***\n***')
    expect(log).toContain('second\n')
    expect(log).not.toContain('correct-horse')
    expect(end.status).toBe('success')
    await nothingLeft()
  })

  it('says why a step cannot be started, and what its exit code was', async () => {
    const missing = await start('acme/missing', [
      { name: 'missing', action: 'run', image: 'no/such:1', run: 'true' },
    ])
    expect(stepNamed(await finishedRun(server, missing), 'missing').error).toContain('no/such:1')
    const fails = await start('acme/fails', [{ name: 'fails', action: 'run', run: 'exit 3' }])
    const end = await finishedRun(server, fails)
    expect(stepNamed(end, 'fails')).toMatchObject({ status: 'failed', exit_code: 3 })
    await nothingLeft()
  })

  it('ends a step within seconds when it is cancelled', async () => {
    const id = await start('acme/long', [
      { name: 'long', action: 'run', run: 'echo up; sleep 600' },
    ])
    const running = await waitForRun(
      server,
      id,
      (run) => run.phases[0]?.tasks[0]?.steps[0]?.status === 'running',
    )
    await waitForLog(server, stepNamed(running, 'long'), 'up')
    await server.json('DELETE', `/v1/runs/${id}`, { expect: 204 })
    expect((await finishedRun(server, id)).status).toBe('cancelled')
    await nothingLeft()
  })

  it('goes through an attempt that a killed server left in the cluster', async () => {
    const id = await start('acme/crash', [
      { name: 'waits', action: 'run', run: 'echo up; sleep 5; echo end' },
    ])
    const running = await waitForRun(
      server,
      id,
      (run) => run.phases[0]?.tasks[0]?.steps[0]?.status === 'running',
    )
    await waitForLog(server, stepNamed(running, 'waits'), 'up')
    await server.kill()
    await server.restart()
    const end = await finishedRun(server, id)
    expect(end.status).toBe('success')
    const log = await logOf(server, stepNamed(end, 'waits'))
    expect(log).toMatch(/^up\n--- attempt 2 ---\nup\nend\n$/)
    await nothingLeft()
  })
})
