import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRepository } from '../test/support/git-repository.ts'
import { startTestServer } from '../test/support/server.ts'
import { openRunEvents } from './run-events.ts'
import { percentiles, round } from './statistics.ts'

const name = 'bench/app'
const rounds = 30

/**
 * From the request for a run of a new commit to its completed event, against the bare minimum of the
 * same work: git init, fetch, checkout and spawn. Then what each further phase group adds.
 */
export async function benchRuns(): Promise<object> {
  const server = await startTestServer({ SLIPWAY_WORKER_CAPACITY: '4' })
  try {
    const repository = await createRepository(server.repositories, name)
    const url = `file://${repository.directory}`
    const floor: number[] = []
    const spawnFloor: number[] = []
    const noop: number[] = []
    const groups: number[] = []
    const events = await openRunEvents(server)
    const timeRun = async (commit: string) => {
      const started = performance.now()
      const body = { repository: name, branch: 'main', commit_sha: commit, trigger_type: 'push' }
      const { id } = await server.json<{ id: string }>('POST', '/v1/runs', { body })
      return (await events.success(id)) - started
    }
    for (let n = 0; n < rounds + 3; n++) {
      const one = await repository.commit(forge(1, n))
      const bare = await bareRun(url, one)
      const ours = await timeRun(one)
      const six = await repository.commit(forge(6, n))
      const more = await timeRun(six)
      // The first rounds warm caches and compilers on both sides.
      if (n < 3) continue
      floor.push(bare.all)
      spawnFloor.push(bare.checkoutAndSpawn)
      noop.push(ours)
      groups.push((more - ours) / 5)
    }
    events.close()
    const [bare, run] = [percentiles(floor), percentiles(noop)]
    const [spawned, group] = [percentiles(spawnFloor), percentiles(groups)]
    return {
      noopRun: {
        floorMs: bare,
        ms: run,
        ratio: round(run.p50 / bare.p50),
        goalMs: round(1.5 * bare.p50 + 30),
        reached: run.p50 <= 1.5 * bare.p50 + 30,
      },
      phaseGroup: {
        floorMs: spawned,
        ms: group,
        overheadMs: round(group.p50 - spawned.p50),
        goalMs: 15,
        reached: group.p50 - spawned.p50 <= 15,
      },
    }
  } finally {
    await server.close()
  }
}

function forge(groups: number, change: number): Record<string, string> {
  const names = Array.from({ length: groups }, (_, index) => `p${index + 1}`)
  const steps = [{ name: 'noop', action: 'run', run: 'true' }]
  return {
    '.forge/repo.json': JSON.stringify({
      forgeVersion: 1,
      phases: Object.fromEntries(names.map((phase, index) => [phase, { group: index + 1 }])),
    }),
    '.forge/project.json': JSON.stringify({
      name: 'app',
      phases: Object.fromEntries(names.map((phase) => [phase, { steps }])),
    }),
    change: `${groups}-${change}`,
  }
}

async function bareRun(url: string, commit: string) {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  const started = performance.now()
  await run('git', ['init', '--quiet', '.'], directory)
  await run('git', ['fetch', '--quiet', '--depth', '1', '--no-tags', url, commit], directory)
  const fetched = performance.now()
  await run('git', ['checkout', '--quiet', '--detach', 'FETCH_HEAD'], directory)
  await run('bash', ['-c', 'true'], directory)
  const ended = performance.now()
  await rm(directory, { recursive: true })
  return { all: ended - started, checkoutAndSpawn: ended - fetched }
}

async function run(command: string, args: string[], cwd: string): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}`)
}
