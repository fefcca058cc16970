import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createEmbeddedJobBus } from '../packages/server/src/adapters/job-bus/embedded/create-embedded-job-bus.ts'
import {
  createNatsJobBus,
  type NatsJobBus,
} from '../packages/server/src/adapters/job-bus/nats/create-nats-job-bus.ts'
import { openDatabase } from '../packages/server/src/db/open-database.ts'
import { transact } from '../packages/server/src/db/unit-of-work.ts'
import {
  claimJobs,
  type LedgerDeps,
  openWorkLedger,
  registerWorker,
} from '../packages/server/src/jobs/index.ts'
import type { JobBus } from '../packages/server/src/ports/job-bus.ts'
import { startNats } from '../test/support/nats.ts'
import { plainConnection } from './distributed-protocol.ts'
import { benchRemoteRuns, type RemoteRunsBench } from './distributed-runs.ts'
import { startWorkers, type Workers } from './distributed-workers.ts'
import { percentiles, round } from './statistics.ts'

export interface DistributedBench {
  /** No-op jobs a second from their enqueueing, in transactions of `BATCH`, to the last outcome in the ledger. */
  throughput: {
    /** One process: the ledger is the bus. */
    embedded: number
    /** NATS, a server, and two worker processes. */
    nats: number
    ratio: number
    goal: number
    reached: boolean
    rounds: [nats: number, embedded: number][]
  }
  /** Milliseconds from the commit of one job to its beginning in another process, at half the load that saturates. */
  start: {
    p50: number
    p99: number
    n: number
    loadPerSecond: number
    saturatedPerSecond: number
    /** The same load through the embedded bus, to its beginning in the same process: what else goes on at the machine. */
    embedded: { p50: number; p99: number; n: number }
    goalMs: number
    reached: boolean
  }
  /** Milliseconds to claim `CLAIM` jobs by their ids, of a table that is otherwise empty or has a million rows more. */
  claim: Record<'empty' | 'finished' | 'queued', { p50: number; p99: number; n: number }>
  runs: RemoteRunsBench
}

const JOBS = 10_000
const BATCH = 100
const CAPACITY = 64
const WORKERS = 2
const ROUNDS = 3
const SINGLES = 3000
const WARM_UP = 300
const CLAIM = 64
const ROWS = 1_000_000
const log = { info() {}, warn() {}, error() {} }

/** Measures the job bus on NATS against the embedded one. Takes two minutes; needs Debian's nats-server. */
export async function benchDistributed(url: string): Promise<DistributedBench> {
  const database = await openDatabase({ url, log })
  const bare = new pg.Client({ connectionString: url })
  await bare.connect()
  const nats = await startNats()
  const server = makeServer(database.db)
  let workers: Workers | null = null
  try {
    server.bus = server.openNats(nats.host)
    await server.bus.open()
    await becomesReady(server.bus)
    workers = await startWorkers({ url, nats: nats.host, count: WORKERS, capacity: CAPACITY })
    const rounds: [number, number][] = []
    for (let n = 0; n <= ROUNDS; n++) {
      await bare.query('truncate jobs')
      const embedded = await embeddedRound(server)
      await bare.query('truncate jobs')
      const one = [await natsRound(server, workers), embedded] as [number, number]
      // The first warms everything up.
      if (n > 0) rounds.push(one)
    }
    await bare.query('truncate jobs')
    const start = await startLatency(server, workers)
    await workers.end()
    const claim = await claimTimes(server.deps, bare)
    const ratio = middle(rounds.map(([ours, embedded]) => ours / embedded))
    return {
      throughput: {
        embedded: round(middle(rounds.map(([, embedded]) => embedded)), 0),
        nats: round(middle(rounds.map(([ours]) => ours)), 0),
        ratio: round(ratio),
        goal: 0.4,
        reached: ratio >= 0.4,
        rounds: rounds.map(([ours, embedded]) => [round(ours, 0), round(embedded, 0)]),
      },
      start,
      claim,
      runs: await benchRemoteRuns(nats.host),
    }
  } finally {
    workers?.kill()
    await server.natsBus?.close()
    await nats.close()
    await bare.end()
    await database.close()
  }
}

interface Server {
  deps: LedgerDeps
  /** What is woken. */
  bus: JobBus | null
  natsBus: NatsJobBus | null
  /** Told of each job at the moment of its commit. */
  onCommit: (ids: readonly string[]) => void
  openNats(host: string): NatsJobBus
}

function makeServer(db: LedgerDeps['db']): Server {
  const server: Server = {
    bus: null,
    natsBus: null,
    onCommit: () => {},
    deps: {
      db,
      owners: {},
      wakeEvents() {},
      wakeJobs(jobs) {
        server.onCommit(jobs.map(({ id }) => id))
        server.bus?.wake(jobs)
      },
    },
    openNats(host) {
      server.natsBus = createNatsJobBus({
        connection: plainConnection(host),
        log,
        ledger: openWorkLedger(server.deps),
        isOwned: () => false,
        server: { ledger: server.deps, replicas: 1 },
      })
      return server.natsBus
    },
  }
  return server
}

async function enqueueAll(server: Server): Promise<void> {
  for (let n = 0; n < JOBS; n += BATCH) {
    await transact(server.deps, async (unit) => {
      for (let k = 0; k < BATCH; k++) unit.enqueue(noop())
    })
  }
}

async function embeddedRound(server: Server): Promise<number> {
  let elapsed = 0
  await withEmbedded(server, JOBS, async (begun) => {
    const started = performance.now()
    await enqueueAll(server)
    await begun
    return () => (elapsed = performance.now() - started)
  })
  return (JOBS * 1000) / elapsed
}

/** Subscribes to the embedded bus until `work` has ended; what it answers is called once all outcomes are written. */
async function withEmbedded(
  server: Server,
  jobs: number,
  work: (begun: Promise<[string, string][]>) => Promise<() => void>,
): Promise<void> {
  const workerId = randomUUID()
  await register(server.deps, workerId)
  const bus = createEmbeddedJobBus({ ...server.deps, log })
  await bus.open()
  const { bus: nats } = server
  server.bus = bus
  const entered: [string, string][] = []
  let finish = () => {}
  const begun = new Promise<[string, string][]>((resolve) => (finish = () => resolve(entered)))
  const subscription = bus.subscribe({
    workerId,
    types: ['task'],
    capacity: CAPACITY,
    handle({ id }) {
      entered.push([id, String(process.hrtime.bigint())])
      if (entered.length === jobs) finish()
      return Promise.resolve({ state: 'succeeded', result: null })
    },
  })
  const drained = await work(begun)
  await subscription.drain()
  drained()
  await bus.close()
  server.bus = nats
}

async function natsRound(server: Server, workers: Workers): Promise<number> {
  await workers.tell('begin')
  const finished = workers.begun(JOBS)
  const started = performance.now()
  await enqueueAll(server)
  await finished
  await workers.tell('drain')
  return (JOBS * 1000) / (performance.now() - started)
}

async function startLatency(server: Server, workers: Workers): Promise<DistributedBench['start']> {
  const throughWorkers = async (perSecond: number | null) => {
    await workers.tell('begin')
    const measured = await singleJobs(server, workers.begun(SINGLES), perSecond)
    await workers.tell('drain')
    return measured
  }
  const saturated = await throughWorkers(null)
  const load = saturated.perSecond / 2
  const { latencies } = await throughWorkers(load)
  let embedded: number[] = []
  await withEmbedded(server, SINGLES, async (begun) => {
    embedded = (await singleJobs(server, begun, load)).latencies
    return () => {}
  })
  const measured = percentiles(latencies.slice(WARM_UP))
  return {
    ...measured,
    loadPerSecond: round(load, 0),
    saturatedPerSecond: round(saturated.perSecond, 0),
    embedded: percentiles(embedded.slice(WARM_UP)),
    goalMs: 20,
    reached: measured.p99 <= 20,
  }
}

/** One job a transaction, which is what an API call does. */
async function singleJobs(
  server: Server,
  begun: Promise<[id: string, at: string][]>,
  perSecond: number | null,
) {
  const committed = new Map<string, bigint>()
  server.onCommit = (ids) => {
    for (const id of ids) committed.set(id, process.hrtime.bigint())
  }
  const enqueue = () => transact(server.deps, (unit) => Promise.resolve(unit.enqueue(noop())))
  const started = performance.now()
  if (perSecond === null) {
    let left = SINGLES
    const enqueueSome = async () => {
      while (left-- > 0) await enqueue()
    }
    await Promise.all(Array.from({ length: 6 }, enqueueSome))
  } else {
    const sent: Promise<unknown>[] = []
    while (sent.length < SINGLES) {
      const due = Math.min(SINGLES, ((performance.now() - started) * perSecond) / 1000)
      while (sent.length < due) sent.push(enqueue())
      await sleep(1)
    }
    await Promise.all(sent)
  }
  const times = await begun
  const elapsed = performance.now() - started
  server.onCommit = () => {}
  // A claim may win over the acknowledgement of the commit that it depends on.
  const latencies = times.map(([id, at]) =>
    Math.max(0, Number(BigInt(at) - (committed.get(id) ?? BigInt(at))) / 1e6),
  )
  return { latencies, perSecond: (SINGLES * 1000) / elapsed }
}

async function claimTimes(deps: LedgerDeps, bare: pg.Client): Promise<DistributedBench['claim']> {
  const workerId = randomUUID()
  const fill = async (type: string, state: string, rows: number): Promise<string[]> => {
    const answer = await bare.query<{ id: string }>(
      `insert into jobs (id, type, subject, payload, timeout_ms, state, attempt, finished_at)
       select gen_random_uuid(), $1::text, 'bench', '{}', 60000, $2::text, 0,
              case when $2 = 'queued' then null else now() end
         from generate_series(1, $3)
       ${rows <= CLAIM * 60 ? 'returning id' : ''}`,
      [type, state, rows],
    )
    return answer.rows.map(({ id }) => id)
  }
  const measure = async () => {
    const samples: number[] = []
    const ids = await fill('task', 'queued', CLAIM * 60)
    await bare.query('analyze jobs')
    await register(deps, workerId)
    for (let n = 0; n < 60; n++) {
      const only = ids.slice(n * CLAIM, (n + 1) * CLAIM)
      const began = performance.now()
      await claimJobs(deps, { workerId, types: ['task'], limit: CLAIM, only })
      samples.push(performance.now() - began)
    }
    return percentiles(samples.slice(10))
  }
  await bare.query('truncate jobs')
  const empty = await measure()
  await bare.query('truncate jobs')
  await fill('task', 'succeeded', ROWS)
  const finished = await measure()
  await bare.query('truncate jobs')
  await fill('task', 'queued', ROWS)
  const queued = await measure()
  await bare.query('truncate jobs')
  return { empty, finished, queued }
}

async function becomesReady(bus: JobBus): Promise<void> {
  for (let n = 0; ; n++) {
    try {
      return await bus.check()
    } catch (error) {
      if (n > 200) throw error
      await sleep(50)
    }
  }
}

async function register(deps: LedgerDeps, id: string): Promise<void> {
  await registerWorker(deps, { id, name: 'bench', home: id, types: ['task'], capacity: CAPACITY })
}

function noop() {
  const id = randomUUID()
  return {
    id,
    type: 'task',
    subject: `pipeline.tasks.${randomUUID()}.${id}`,
    runId: null,
    payload: { task_id: id },
    timeoutMs: 60_000,
  }
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
