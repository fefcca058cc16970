import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createEmbeddedJobBus } from '../packages/server/src/adapters/job-bus/embedded/create-embedded-job-bus.ts'
import { type Database, openDatabase } from '../packages/server/src/db/open-database.ts'
import { transact } from '../packages/server/src/db/unit-of-work.ts'
import { claimJobs, type LedgerDeps, registerWorker } from '../packages/server/src/jobs/index.ts'
import type { JobBus, JobHandler, JobNotice } from '../packages/server/src/ports/job-bus.ts'
import { percentiles, round } from './statistics.ts'

export interface JobsBench {
  /**
   * No-op jobs a second from their enqueueing, in transactions of `BATCH`, to their end.
   * Floor: the same inserts, and a bare loop that claims and ends as many at a time on `pg`.
   */
  throughput: { jobsPerSecond: number; floor: number; ratio: number; rounds: [number, number][] }
  /** Milliseconds from the commit of one job to the entry of its handler, at half the load that saturates. */
  start: { p50: number; p99: number; n: number; loadPerSecond: number; saturatedPerSecond: number }
  /** Milliseconds to claim `CAPACITY` jobs of a table that is otherwise empty, or has a million rows more. */
  claim: Record<'empty' | 'finished' | 'unserved', { p50: number; p99: number; n: number }>
}

const JOBS = 12_000
const BATCH = 100
const CAPACITY = 64
const ROUNDS = 3
const ROWS = 1_000_000
const log = { info() {}, warn() {}, error() {} }

/** Measures the ledger and the embedded bus on a migrated database of its own. Takes about a minute. */
export async function benchJobs(url: string): Promise<JobsBench> {
  const database = await openDatabase({ url, log })
  const bare = new pg.Client({ connectionString: url })
  const inserter = new pg.Client({ connectionString: url })
  await Promise.all([bare.connect(), inserter.connect()])
  const world = makeWorld(database)
  try {
    await world.register()
    const rounds: [number, number][] = []
    // Both sides once in vain: what is measured is a server that has been up for a while.
    await bareRound(bare, inserter, world.workerId, JOBS)
    await busRound(world, JOBS)
    for (let n = 0; n < ROUNDS; n++) {
      await bare.query('truncate jobs')
      const floor = await bareRound(bare, inserter, world.workerId, JOBS)
      await bare.query('truncate jobs')
      rounds.push([await busRound(world, JOBS), floor])
    }
    const ratios = rounds.map(([bus, floor]) => bus / floor)
    await bare.query('truncate jobs')
    const start = await startLatency(world)
    const claim = await claimTimes(world, bare)
    return {
      throughput: {
        jobsPerSecond: round(middle(rounds.map(([bus]) => bus)), 0),
        floor: round(middle(rounds.map(([, floor]) => floor)), 0),
        ratio: round(middle(ratios)),
        rounds: rounds.map(([bus, floor]) => [round(bus, 0), round(floor, 0)]),
      },
      start,
      claim,
    }
  } finally {
    await world.close()
    await Promise.all([bare.end(), inserter.end()])
    await database.close()
  }
}

interface World {
  deps: LedgerDeps
  workerId: string
  /** Called with every notice, at the moment of its commit. */
  onCommit: (jobs: readonly JobNotice[]) => void
  register(): Promise<void>
  /** Runs `work` while `handle` gets every job. */
  during(handle: JobHandler, work: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

function makeWorld(database: Database): World {
  let bus: JobBus | null = null
  const world: World = {
    workerId: randomUUID(),
    onCommit: () => {},
    deps: {
      db: database.db,
      owners: {},
      wakeEvents: () => {},
      wakeJobs(jobs) {
        world.onCommit(jobs)
        bus?.wake(jobs)
      },
    },
    async register() {
      await registerWorker(world.deps, {
        id: world.workerId,
        name: 'bench',
        home: 'bench',
        types: ['task'],
        capacity: CAPACITY,
      })
    },
    async during(handle, work) {
      await world.register()
      bus = createEmbeddedJobBus({ ...world.deps, log })
      await bus.open()
      const { workerId } = world
      const subscription = bus.subscribe({ workerId, types: ['task'], capacity: CAPACITY, handle })
      await work()
      await subscription.drain()
      await bus.close()
      bus = null
    },
    close: async () => await bus?.close(),
  }
  return world
}

async function busRound(world: World, jobs: number): Promise<number> {
  let entered = 0
  let finish = () => {}
  const finished = new Promise<void>((resolve) => (finish = resolve))
  let started = 0
  let ended = 0
  await world.during(
    async () => {
      if (++entered === jobs) finish()
      return { state: 'succeeded', result: null }
    },
    async () => {
      started = performance.now()
      for (let n = 0; n < jobs; n += BATCH) {
        await transact(world.deps, async (unit) => {
          for (let k = 0; k < BATCH; k++) unit.enqueue(noop())
        })
      }
      await finished
    },
  )
  // Draining has waited until the last outcome was in the ledger.
  ended = performance.now()
  return (jobs * 1000) / (ended - started)
}

async function bareRound(
  worker: pg.Client,
  inserter: pg.Client,
  workerId: string,
  jobs: number,
): Promise<number> {
  const started = performance.now()
  const insert = async () => {
    for (let n = 0; n < jobs; n += BATCH) {
      const rows = Array.from({ length: BATCH }, noop)
      await inserter.query('begin')
      await inserter.query(
        `insert into jobs (id, type, subject, run_id, payload, timeout_ms) values ${rows
          .map((_, k) => `(${[1, 2, 3, 4, 5, 6].map((column) => `$${k * 6 + column}`).join(',')})`)
          .join(',')}`,
        rows.flatMap((job) => [
          job.id,
          job.type,
          job.subject,
          job.runId,
          JSON.stringify(job.payload),
          job.timeoutMs,
        ]),
      )
      await inserter.query('commit')
    }
  }
  const work = async () => {
    let ended = 0
    while (ended < jobs) {
      const { rows } = await worker.query<{ id: string }>(
        `update jobs set state = 'running', attempt = attempt + 1, worker_id = $2, started_at = now(),
                deadline_at = now() + timeout_ms * interval '1 ms'
          where id = any (array(select id from jobs
                                 where state = 'queued' and type = 'task' and run_at <= now()
                                 order by run_at, id limit $1 for update skip locked))
         returning id, type, subject, run_id, payload, attempt, deadline_at`,
        [CAPACITY, workerId],
      )
      if (rows.length === 0) continue
      await worker.query(
        `update jobs set state = 'succeeded', finished_at = now() where id = any ($1::uuid[])`,
        [rows.map((row) => row.id)],
      )
      ended += rows.length
    }
  }
  await Promise.all([insert(), work()])
  return (jobs * 1000) / (performance.now() - started)
}

/** One job a transaction: what an API call does. */
async function startLatency(world: World): Promise<JobsBench['start']> {
  const saturated = await singleJobs(world, 4000, null)
  const load = saturated.perSecond / 2
  const { latencies } = await singleJobs(world, 4000, load)
  return {
    ...percentiles(latencies.slice(400)),
    loadPerSecond: round(load, 0),
    saturatedPerSecond: round(saturated.perSecond, 0),
  }
}

async function singleJobs(world: World, jobs: number, perSecond: number | null) {
  const committed = new Map<string, number>()
  const latencies: number[] = []
  let finish = () => {}
  const finished = new Promise<void>((resolve) => (finish = resolve))
  world.onCommit = (notices) => {
    for (const notice of notices) committed.set(notice.id, performance.now())
  }
  const enqueue = () => transact(world.deps, (unit) => Promise.resolve(unit.enqueue(noop())))
  let elapsed = 0
  await world.during(
    async (job) => {
      // The claim may win over the acknowledgement of the commit that it depends on.
      latencies.push(performance.now() - (committed.get(job.id) ?? performance.now()))
      if (latencies.length === jobs) finish()
      return { state: 'succeeded', result: null }
    },
    async () => {
      const started = performance.now()
      if (perSecond === null) {
        let left = jobs
        const enqueueAll = async () => {
          while (left-- > 0) await enqueue()
        }
        await Promise.all(Array.from({ length: 6 }, enqueueAll))
      } else {
        const sent: Promise<unknown>[] = []
        while (sent.length < jobs) {
          const due = Math.min(jobs, ((performance.now() - started) * perSecond) / 1000)
          while (sent.length < due) sent.push(enqueue())
          await sleep(1)
        }
        await Promise.all(sent)
      }
      await finished
      elapsed = performance.now() - started
    },
  )
  world.onCommit = () => {}
  return { latencies, perSecond: (jobs * 1000) / elapsed }
}

async function claimTimes(world: World, bare: pg.Client): Promise<JobsBench['claim']> {
  const fill = (type: string, state: string, rows: number) =>
    bare.query(
      `insert into jobs (id, type, subject, payload, timeout_ms, state, attempt, finished_at)
       select gen_random_uuid(), $1::text, 'bench', '{}', 60000, $2::text, 0,
              case when $2 = 'queued' then null else now() end
         from generate_series(1, $3)`,
      [type, state, rows],
    )
  const measure = async () => {
    const samples: number[] = []
    await fill('task', 'queued', CAPACITY * 60)
    await bare.query('analyze jobs')
    await world.register()
    for (let n = 0; n < 60; n++) {
      const began = performance.now()
      const { workerId } = world
      await claimJobs(world.deps, { workerId, types: ['build', 'task'], limit: CAPACITY })
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
  await fill('nobody', 'queued', ROWS)
  const unserved = await measure()
  await bare.query('truncate jobs')
  return { empty, finished, unserved }
}

function noop() {
  const id = randomUUID()
  return {
    id,
    type: 'task',
    subject: `pipeline.tasks.${id}`,
    runId: null,
    payload: { task_id: id },
    timeoutMs: 60_000,
  }
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
