import { createRepository } from '../test/support/git-repository.ts'
import { startRemoteWorker } from '../test/support/remote-worker.ts'
import { startTestServer } from '../test/support/server.ts'
import { openRunEvents } from './run-events.ts'
import { round } from './statistics.ts'

/** Runs a second of one no-op step each, all asked for at once. */
export interface RemoteRunsBench {
  /** By the worker of the server. */
  embedded: number
  /** By two `slipway worker` with a slot for half as many each: woken by their server, or by NATS. */
  remote: number
  nats: number
}

const name = 'bench/app'
const RUNS = 40
const CAPACITY = 8

export async function benchRemoteRuns(nats: string): Promise<RemoteRunsBench> {
  return {
    embedded: await measure({
      server: { SLIPWAY_WORKER_CAPACITY: String(CAPACITY) },
      worker: null,
    }),
    remote: await measure({ server: { SLIPWAY_WORKER_TYPES: '' }, worker: {} }),
    nats: await measure({
      server: { SLIPWAY_WORKER_TYPES: '', NATS_URL: nats, NATS_PREFIX: 'runs' },
      worker: { NATS_URL: nats, NATS_PREFIX: 'runs' },
    }),
  }
}

async function measure(settings: {
  server: Record<string, string>
  worker: Record<string, string> | null
}): Promise<number> {
  const server = await startTestServer(settings.server)
  const workers: { close(): Promise<void> }[] = []
  try {
    for (let n = 0; settings.worker !== null && n < 2; n++) {
      const env = {
        SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
        SLIPWAY_WORKER_CAPACITY: String(CAPACITY / 2),
        ...settings.worker,
      }
      workers.push(await startRemoteWorker(server, { env }))
    }
    const repository = await createRepository(server.repositories, name)
    const events = await openRunEvents(server)
    const start = async (commit: string) => {
      const body = { repository: name, branch: 'main', commit_sha: commit, trigger_type: 'push' }
      return (await server.json<{ id: string }>('POST', '/v1/runs', { body })).id
    }
    const commits: string[] = []
    for (let n = 0; n < RUNS + 4; n++) commits.push(await repository.commit(forge(n)))
    // Mirrors are made, compilers warm.
    for (const commit of commits.splice(0, 4)) await events.success(await start(commit))
    const started = performance.now()
    const ids = await Promise.all(commits.map(start))
    const ends = await Promise.all(ids.map((id) => events.success(id)))
    events.close()
    return round((RUNS * 1000) / (Math.max(...ends) - started), 1)
  } finally {
    await Promise.all(workers.map((worker) => worker.close()))
    await server.close()
  }
}

function forge(change: number): Record<string, string> {
  return {
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { one: {} } }),
    '.forge/project.json': JSON.stringify({
      name: 'app',
      phases: { one: { steps: [{ name: 'noop', action: 'run', run: 'true' }] } },
    }),
    change: String(change),
  }
}
