import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newJob } from '../../../../test/ports/job-bus-tools.ts'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { quietLog } from '../../../../test/support/quiet-log.ts'
import { transact } from '../db/unit-of-work.ts'
import {
  archiveJobs,
  claimJobs,
  dropJobHistory,
  keepWorker,
  type LedgerDeps,
  registerWorker,
  releaseDeadHome,
  releaseSilentWorkers,
  releaseWorker,
  startJobDuties,
} from './index.ts'

let database: TestDatabase
let deps: LedgerDeps
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(async () => {
  await database.close()
})
beforeEach(async () => {
  await sql`truncate jobs, workers, leases, job_history`.execute(database.db)
  deps = { db: database.db, owners: {}, wakeEvents: () => {}, wakeJobs: () => {} }
})

async function addWorker(home: string, jobs = 0, maxAttempts = 3): Promise<string> {
  const id = randomUUID()
  await registerWorker(deps, { id, name: 'w', home, types: ['task'], capacity: 1 })
  await transact(deps, async (unit) => {
    for (let n = 0; n < jobs; n++) unit.enqueue(newJob({ maxAttempts }))
  })
  if (jobs > 0) await claimJobs(deps, { workerId: id, types: ['task'], limit: jobs })
  return id
}

const count = async (state: string) => {
  const { rows } = await sql`select from jobs where state = ${state}`.execute(deps.db)
  return rows.length
}
const workerIds = async () =>
  (await database.db.selectFrom('workers').select('id').execute()).map((row) => row.id)

describe('a worker that is gone', () => {
  it('is freed of jobs and leases by the next owner of its home, others are not', async () => {
    const [dead, elsewhere] = [await addWorker('a', 2), await addWorker('b', 1)]
    await sql`insert into leases values ('mine', ${dead}::uuid, now() + interval '1 h'),
                ('theirs', ${elsewhere}::uuid, now() + interval '1 h')`.execute(deps.db)
    const woken: string[] = []
    const workerId = randomUUID()
    const freed = await releaseDeadHome(
      { ...deps, wakeJobs: (jobs) => woken.push(...jobs.map((job) => job.type)) },
      { home: 'a', workerId },
    )
    expect(freed).toBe(2)
    expect(woken).toEqual(['task', 'task'])
    expect([await count('queued'), await count('running')]).toEqual([2, 1])
    expect(await workerIds()).toEqual([elsewhere])
    const { rows } = await sql`select name from leases`.execute(deps.db)
    expect(rows).toEqual([{ name: 'theirs' }])
  })

  it('is freed after 90 s of silence, and not before', async () => {
    const [silent, quiet] = [await addWorker('a', 1), await addWorker('b', 1)]
    const age = (id: string, seconds: number) =>
      sql`update workers set last_seen_at = now() - ${seconds}::integer * interval '1 s'
           where id = ${id}::uuid`.execute(deps.db)
    await age(silent, 91)
    await age(quiet, 85)
    expect(await releaseSilentWorkers(deps)).toBe(1)
    expect(await workerIds()).toEqual([quiet])
    expect(await count('running')).toBe(1)
  })

  it('leaves its jobs dead when that was their last attempt', async () => {
    const workerId = await addWorker('a', 1, 1)
    expect(await releaseWorker(deps, { workerId })).toBe(1)
    expect(await count('dead')).toBe(1)
  })

  it('is freed even if whoever forgot it died before freeing its jobs', async () => {
    await addWorker('a', 1)
    await sql`delete from workers`.execute(deps.db)
    expect(await releaseSilentWorkers(deps)).toBe(1)
    expect(await count('queued')).toBe(1)
  })
})

describe('keepWorker', () => {
  const worker = () => ({ id: randomUUID(), name: 'w', home: 'h', types: [], capacity: 1 })

  it('renews the worker, and says so when it was given up meanwhile', async () => {
    const identity = worker()
    let lost = 0
    const kept = await keepWorker(
      { db: deps.db, log: quietLog, heartbeatMs: 10 },
      { worker: identity, onLost: () => lost++ },
    )
    const seen = async () =>
      (await database.db.selectFrom('workers').select('last_seen_at').executeTakeFirst())
        ?.last_seen_at
    const first = await seen()
    await expect.poll(seen).not.toEqual(first)
    expect(lost).toBe(0)
    await sql`delete from workers`.execute(deps.db)
    await expect.poll(() => lost).toBe(1)
    expect(await workerIds()).toEqual([identity.id])
    await kept.close()
  })

  it('gives up its jobs when nobody answers, and goes on asking', async () => {
    let answers = true
    let asked = 0
    let lost = 0
    const kept = await keepWorker(
      {
        db: deps.db,
        log: quietLog,
        heartbeatMs: 5,
        giveUpMs: 400,
        register: () => {
          asked++
          return answers
            ? Promise.resolve({ known: true, draining: false })
            : Promise.reject(new Error('down'))
        },
      },
      { worker: worker(), onLost: () => lost++ },
    )
    answers = false
    await expect.poll(() => lost, { timeout: 5000 }).toBe(1)
    const before = asked
    await expect.poll(() => asked).toBeGreaterThan(before)
    await kept.close()
  })

  it('rejects when the first registration fails', async () => {
    const kept = keepWorker(
      { db: deps.db, log: quietLog, register: () => Promise.reject(new Error('down')) },
      { worker: worker(), onLost: () => {} },
    )
    await expect(kept).rejects.toThrow('down')
  })
})

describe('the history', () => {
  it('takes ended jobs, day by day, and drops days past their retention', async () => {
    const end = (ago: string) =>
      sql`insert into jobs (id, type, subject, payload, timeout_ms, state, finished_at)
          values (gen_random_uuid(), 'task', 's', '{"a": 1}', 1, 'succeeded',
                  now() - ${ago}::interval)`.execute(deps.db)
    for (const ago of ['1 minute', '10 minutes', '26 hours', '40 days', '41 days']) await end(ago)
    await addWorker('a', 1)
    const move = (limit: number) => archiveJobs(deps, { olderThanMs: 300_000, limit })
    expect(await move(3)).toBe(3)
    expect(await move(3)).toBe(1)
    expect(await move(3)).toBe(0)
    expect([await count('succeeded'), await count('running')]).toEqual([1, 1])
    const kept = async () =>
      (await database.db.selectFrom('job_history').select(['state', 'payload']).execute()).length
    expect(await kept()).toBe(4)
    const dropped = await dropJobHistory(deps, { retentionDays: 30 })
    expect([dropped.days.length, dropped.removed]).toEqual([2, 2])
    expect(await dropJobHistory(deps, { retentionDays: 30 })).toEqual({ days: [], removed: 0 })
    expect(await kept()).toBe(2)
  })
})

describe('startJobDuties', () => {
  it('ends a job at its deadline though its worker is gone, and tells whoever has it', async () => {
    const stopped: string[] = []
    const job = newJob({ timeoutMs: 400 })
    await transact(deps, (unit) => Promise.resolve(unit.enqueue(job)))
    const workerId = await addWorker('a')
    await claimJobs(deps, { workerId, types: ['task'], limit: 1 })
    const duties = startJobDuties(
      { ...deps, log: quietLog, holder: randomUUID() },
      { stopJobs: (ids) => stopped.push(...ids), archiveAfterMs: 3_600_000 },
    )
    await expect.poll(() => stopped, { timeout: 15_000 }).toEqual([job.id])
    expect(await count('failed')).toBe(1)
    await duties.close()
    const { rows } = await sql`select from leases`.execute(deps.db)
    expect(rows).toEqual([])
  })
})
