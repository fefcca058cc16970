import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DelegatedJob } from '@slipway/contract/delegations'
import { busyboxFiles, type Dockerd, startDockerd } from '../test/support/dockerd.ts'
import { startTestServer, type TestServer } from '../test/support/server.ts'
import { type Engine, openEngine } from './engine.ts'
import { percentiles, round } from './statistics.ts'

const image = 'bench:1'
const rounds = 12
const queued = 30
const atOnce = 200
const lines = 400
const longest = 90_000

/**
 * Delegated jobs on a Docker engine of its own, by a server as it is started: from the request to a running
 * container against the engine's own create and start; many that queue; many at once; how late a
 * follower has a line. Takes less than two minutes.
 */
export async function benchRunners(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'))
  const dockerd = await startDockerd()
  const engine = openEngine(dockerd.socketPath)
  let server: TestServer | null = null
  try {
    await dockerd.importImage(image, await busyboxFiles())
    const config = join(folder, 'slipway.yaml')
    // JSON is YAML.
    await writeFile(config, JSON.stringify({ runners: { classes } }))
    server = await startTestServer({
      DOCKER_HOST: dockerd.host,
      SLIPWAY_CONFIG: config,
      SLIPWAY_PULL_IMAGES: 'false',
      API_RATE_LIMIT: '1000000',
    })
    const world = { server, dockerd, engine }
    const start = await benchStart(world)
    const many = await benchQueued(world)
    // Removing what was before is no work of a follower's.
    await gone(world)
    const followers = await benchFollowers(world)
    const all = await benchAtOnce(world)
    const leftovers = await gone(world)
    return { start, queued: many, atOnce: all, followers, leftovers }
  } finally {
    await server?.close()
    engine.close()
    await dockerd.close()
    await rm(folder, { recursive: true })
  }
}

const common = {
  image,
  command: ['sh', '-c', 'eval "$GITHUB_WORKFLOW"'],
  network: 'none',
  maxRunners: queued,
}
const classes = [
  { ...common, name: 'cold', labels: ['cold'] },
  { ...common, name: 'warm', labels: ['warm'], warm: 2 },
]

interface World {
  server: TestServer
  dockerd: Dockerd
  engine: Engine
}

let runs = 0

async function delegate({ server }: World, label: string, script: string): Promise<string> {
  const { data } = await server.json<{ data: { delegationId: string } }>(
    'POST',
    '/api/jobs/delegate',
    {
      body: {
        jobId: 'bench',
        runId: String(++runs),
        repository: 'bench/jobs',
        workflow: script,
        labels: [label],
      },
    },
  )
  return data.delegationId
}

/** Name of a delegation's container. */
const nameOf = (id: string) => `slipway-job-${id}`

async function ended({ server }: World, id: string): Promise<DelegatedJob> {
  const deadline = performance.now() + longest
  for (;;) {
    const { data } = await server.json<{ data: DelegatedJob }>('GET', `/api/jobs/${id}`)
    if (data.completedAt !== null) return data
    if (performance.now() > deadline) throw new Error(`the job ${id} does not end: ${data.status}`)
    await sleep(25)
  }
}

/** Milliseconds until the engine says that a container has started, by who starts it. */
async function benchStart(world: World): Promise<object> {
  const { engine } = world
  const bare = async (round: number) => {
    const name = `bare-${round}`
    const since = Date.now()
    const started = engine.started(name)
    const id = await engine.run(name, { image, command: ['sh', '-c', 'exit 0'] })
    const took = (await started) - since
    await engine.remove(id)
    return took
  }
  const ours = (label: string) => async () => {
    if (label === 'warm') await poolFull(world)
    const since = Date.now()
    // Which one it is, is known by its job's name alone.
    const id = await delegate(world, label, 'exit 0')
    const took = (await engine.started(nameOf(id))) - since
    await ended(world, id)
    return took
  }
  const all = { floorMs: bare, coldMs: ours('cold'), warmMs: ours('warm') }
  const waits: Record<string, number[]> = { floorMs: [], coldMs: [], warmMs: [] }
  // In turns, so that whatever else the machine does slows all; the first round warms everything up.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, once] of Object.entries(all)) {
      const took = await once(round)
      if (round > 0) waits[name]?.push(took)
    }
  }
  const [floor, cold, warm] = ['floorMs', 'coldMs', 'warmMs'].map((name) =>
    percentiles(waits[name] ?? []),
  )
  if (floor === undefined || cold === undefined || warm === undefined) throw new Error('nothing')
  const ratios = { cold: round(cold.p50 / floor.p50), warm: round(warm.p50 / floor.p50) }
  return {
    goal: { cold: 2, warm: 1.2 },
    floorMs: floor,
    coldMs: cold,
    warmMs: warm,
    ratios,
    reached: ratios.cold <= 2 && ratios.warm <= 1.2,
  }
}

/** Waits until as many containers wait as the class wants. */
async function poolFull({ dockerd }: World): Promise<void> {
  const filters = encodeURIComponent('{"label":["io.slipway.warm=warm"],"status":["created"]}')
  const deadline = performance.now() + longest
  for (;;) {
    const waiting = await dockerd.ask<{ Names: string[] }[]>(
      `/containers/json?all=1&filters=${filters}`,
    )
    // One that is taken keeps its label, and has another name.
    if (waiting.filter(({ Names }) => Names[0]?.startsWith('/slipway-warm-')).length >= 2) return
    if (performance.now() > deadline) throw new Error('the pool is not filled')
    await sleep(25)
  }
}

/** Seconds from the first of thirty requests until the thirtieth container runs. */
async function benchQueued(world: World): Promise<object> {
  const since = Date.now()
  const ids = await Promise.all(
    Array.from({ length: queued }, () => delegate(world, 'cold', 'sleep 30')),
  )
  const moments = await Promise.all(ids.map((id) => world.engine.started(nameOf(id))))
  const seconds = round((Math.max(...moments) - since) / 1_000)
  await Promise.all(
    ids.map((id) => world.server.json('POST', `/api/jobs/${id}/cancel`, { expect: 200 })),
  )
  await gone(world)
  return { jobs: queued, goal: { seconds: 15 }, seconds, reached: seconds <= 15 }
}

/** Whether two hundred jobs that come together all end as their commands did, and in how many seconds. */
async function benchAtOnce(world: World): Promise<object> {
  const since = performance.now()
  const wanted = await Promise.all(
    Array.from({ length: atOnce }, async (_, index) => {
      const exitCode = index % 5
      return { exitCode, id: await delegate(world, 'cold', `echo ${index}; exit ${exitCode}`) }
    }),
  )
  let truthful = 0
  const waits: number[] = []
  for (const { id, exitCode } of wanted) {
    const job = await ended(world, id)
    const isSo = job.exitCode === exitCode && (job.status === 'completed') === (exitCode === 0)
    if (isSo) truthful += 1
    waits.push(job.metadata.queueMs ?? Number.NaN)
  }
  const seconds = round((performance.now() - since) / 1_000)
  return {
    jobs: atOnce,
    truthful,
    seconds,
    queueMs: percentiles(waits),
    reached: truthful === atOnce,
  }
}

/**
 * Milliseconds from when the engine had a line until a follower has it, of a job that prints a line every
 * 10 ms or so, against a follower of the engine's own log.
 */
async function benchFollowers(world: World): Promise<object> {
  const { engine, server } = world
  const script = `n=0; while [ $n -lt ${lines} ]; do n=$((n+1)); echo "line $n ."; usleep 10000; done; sleep 2`
  const id = await delegate(world, 'cold', script)
  await engine.started(nameOf(id))
  const bare = engine.follow(nameOf(id))
  const arrivals = new Map<string, number>()
  const response = await server.request('GET', `/api/jobs/${id}/logs?follow=true`, {
    headers: { accept: 'text/event-stream' },
  })
  const decoder = new TextDecoder()
  if (response.body === null) throw new Error('the log has no body')
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    const now = engine.now()
    for (const [line] of decoder.decode(chunk, { stream: true }).matchAll(/line \d+ \./g)) {
      if (!arrivals.has(line)) arrivals.set(line, now)
    }
  }
  const written = await bare
  const floor = written.map(({ at, arrived }) => arrived - at)
  const waits = written.flatMap(({ line, at }) => {
    const arrived = arrivals.get(line)
    return arrived === undefined ? [] : [arrived - at]
  })
  // Those that were there before anybody followed waited for their follower.
  const behind = <T>(all: readonly T[]) => all.slice(50)
  const ms = percentiles(behind(waits))
  return {
    lines: written.length,
    seen: arrivals.size,
    goal: { p99: 20 },
    floorMs: percentiles(behind(floor)),
    ms,
    reached: ms.p99 <= 20 && arrivals.size === lines,
  }
}

/** Waits until no container of a job is left, and answers how many are all the same. */
async function gone(world: World): Promise<number> {
  const deadline = performance.now() + longest
  for (;;) {
    const left = await countLeftovers(world)
    if (left === 0 || performance.now() > deadline) return left
    await sleep(50)
  }
}

/** Containers of jobs that are over. */
async function countLeftovers({ dockerd }: World): Promise<number> {
  const all = await dockerd.ask<{ Names: string[] }[]>('/containers/json?all=1')
  return all.filter(({ Names }) => Names[0]?.startsWith('/slipway-job-')).length
}
