import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject } from '../support/git-repository.ts'
import { listedWorkers, type RemoteWorker, startRemoteWorker } from '../support/remote-worker.ts'
import { finishedRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let worker: RemoteWorker
beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_WORKER_TYPES: '' })
  worker = await startRemoteWorker(server, {
    env: { SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true' },
  })
})
afterAll(async () => {
  await worker?.close()
  await server?.close()
})

describe('a server without jobs of its own', () => {
  it('has its runs done by a worker elsewhere', async () => {
    const repository = await createRepository(server.repositories, 'acme/app')
    const commit = await repository.commit(
      oneProject([
        { name: 'one', action: 'run', run: 'echo from afar; pwd' },
        { name: 'two', action: 'run', run: 'exit 0', needs: ['one'] },
      ]),
    )
    const run = await finishedRun(server, await startRun(server, 'acme/app', commit))
    expect(run).toMatchObject({ status: 'success' })
    expect(await logOf(server, stepNamed(run, 'one'))).toContain('from afar\n')
    const [mine] = (await listedWorkers(server)).filter(({ kind }) => kind === 'remote')
    expect(mine).toMatchObject({ id: worker.id(), in_hand: 0, draining: false })
  })
})
