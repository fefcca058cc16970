import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newJob } from '../../../../test/ports/job-bus-tools.ts'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { type NewJob, transact } from '../db/unit-of-work.ts'
import {
  cancelJobs,
  claimJobs,
  completeJobs,
  type EncodedVerdict,
  expireJobs,
  failAttempt,
  failJob,
  type JobOwners,
  type LedgerDeps,
  msToNextRun,
  registerWorker,
  returnJobs,
  settleJob,
} from './index.ts'

let database: TestDatabase
let deps: LedgerDeps
let told: string[]
const owners: JobOwners = {
  owned: {
    async lock(_unit, job) {
      told.push(`lock ${job.runId === null ? 'nothing' : 'run'}`)
      await Promise.resolve()
    },
    async ended(unit, job, reason) {
      told.push(`ended ${reason} ${job.attempt}: ${job.error}`)
      unit.emit({ type: 'pipeline.run.failed', data: {} as never, repository: null, runId: job.id })
      if (job.payload === 'refuse') throw new Error('refused by its owner')
      await Promise.resolve()
    },
    async attemptLost(_unit, job, reason) {
      told.push(`lost ${reason} ${job.attempt}: ${job.error}`)
      await Promise.resolve()
    },
  },
}

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(async () => {
  await database.close()
})
beforeEach(async () => {
  await sql`truncate jobs, workers, leases, events`.execute(database.db)
  told = []
  deps = {
    db: database.db,
    owners,
    wakeEvents: () => {},
    wakeJobs: () => {},
    retryDelayMs: () => 3_600_000,
  }
})

async function enqueue(...jobs: Partial<NewJob>[]): Promise<string[]> {
  const made = jobs.map((job) => newJob(job))
  for (const job of made) await transact(deps, (unit) => Promise.resolve(unit.enqueue(job)))
  return made.map((job) => job.id)
}

async function addWorker(): Promise<string> {
  const id = randomUUID()
  await registerWorker(deps, { id, name: 'w', home: id, types: ['task'], capacity: 1 })
  return id
}

async function states(): Promise<Record<string, number>> {
  const { rows } = await sql<{ state: string; count: number }>`
    select state, count(*)::integer as count from jobs group by state`.execute(deps.db)
  return Object.fromEntries(rows.map((row) => [row.state, row.count]))
}

async function claimOne(type = 'task') {
  const workerId = await addWorker()
  const [job] = await claimJobs(deps, { workerId, types: [type], limit: 1 })
  return { id: job!.id, attempt: job!.attempt, workerId }
}

const overdue = (id: string) =>
  sql`update jobs set deadline_at = now() - interval '1 s' where id = ${id}::uuid`.execute(deps.db)

describe('claiming', () => {
  it('takes the oldest that are due, of the types asked for, and no more than asked for', async () => {
    const ids = await enqueue({}, {}, { type: 'other' }, {}, { runAt: new Date(Date.now() + 1e6) })
    const workerId = await addWorker()
    const first = await claimJobs(deps, { workerId, types: ['task'], limit: 2 })
    expect(first.map((job) => job.id).toSorted()).toEqual(ids.slice(0, 2).toSorted())
    expect(first.every((job) => job.attempt === 1 && job.timeoutMs === 60_000)).toBe(true)
    const second = await claimJobs(deps, { workerId, types: ['other', 'task'], limit: 9 })
    expect(second.map((job) => job.id).toSorted()).toEqual(ids.slice(2, 4).toSorted())
    expect(await claimJobs(deps, { workerId, types: ['task', 'other'], limit: 9 })).toEqual([])
    expect(await msToNextRun(deps, { types: ['task'] })).toBeGreaterThan(900_000)
    expect(await msToNextRun(deps, { types: ['other'] })).toBeNull()
  })

  it('locks no more than it takes: a claim beside it finds the rest', async () => {
    await enqueue({}, {}, { type: 'other' }, { type: 'other' })
    const [one, two] = [await addWorker(), await addWorker()]
    await database.db.transaction().execute(async (trx) => {
      const mine = await claimJobs(
        { db: trx },
        { workerId: one, types: ['task', 'other'], limit: 1 },
      )
      expect(mine).toHaveLength(1)
      const theirs = await claimJobs(deps, { workerId: two, types: ['task', 'other'], limit: 9 })
      expect(theirs).toHaveLength(3)
    })
  })

  it('gives nothing to a worker that is unknown or has fallen silent', async () => {
    await enqueue({})
    const claim = (workerId: string) => claimJobs(deps, { workerId, types: ['task'], limit: 1 })
    expect(await claim(randomUUID())).toEqual([])
    const workerId = await addWorker()
    await sql`update workers set last_seen_at = now() - interval '76 s'`.execute(deps.db)
    expect(await claim(workerId)).toEqual([])
    await registerWorker(deps, { id: workerId, name: 'w', home: 'h', types: [], capacity: 1 })
    expect(await claim(workerId)).toHaveLength(1)
  })

  it('given back, leaves no trace of itself', async () => {
    await enqueue({ maxAttempts: 1 })
    const { id, attempt, workerId } = await claimOne()
    await returnJobs(deps, { workerId: randomUUID(), attempts: [{ id, attempt }] })
    expect(await states()).toEqual({ running: 1 })
    await returnJobs(deps, { workerId, attempts: [{ id, attempt }] })
    expect(await claimOne()).toMatchObject({ id, attempt: 1 })
  })
})

describe('ending', () => {
  it('accepts an outcome only of the running attempt and its worker', async () => {
    await enqueue({}, {})
    const [held, other] = [await claimOne(), await claimOne()]
    const verdict = { ...held, state: 'succeeded', resultJson: '{"a":1}' } as const
    const complete = (workerId: string, verdicts: EncodedVerdict[]) =>
      completeJobs(deps, { workerId, verdicts })
    expect(await complete(held.workerId, [{ ...verdict, attempt: 2 }])).toEqual(new Set())
    expect(await complete(other.workerId, [verdict])).toEqual(new Set())
    const theirs = { ...other, state: 'failed', error: 'x', resultJson: null } as const
    expect(await complete(held.workerId, [theirs, verdict])).toEqual(new Set([held.id]))
    expect(await complete(held.workerId, [verdict])).toEqual(new Set())
    expect(await complete(other.workerId, [theirs])).toEqual(new Set([other.id]))
    expect(await states()).toEqual({ succeeded: 1, failed: 1 })
  })

  it('settles with the transaction it is in, or not at all', async () => {
    await enqueue({})
    const claim = await claimOne()
    const verdict = { ...claim, state: 'succeeded', result: [1] } as const
    const undone = transact(deps, async (unit) => {
      expect(await settleJob(unit, verdict)).toBe(true)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await states()).toEqual({ running: 1 })
    expect(await transact(deps, (unit) => settleJob(unit, { ...verdict, attempt: 2 }))).toBe(false)
    expect(await transact(deps, (unit) => settleJob(unit, verdict))).toBe(true)
    expect(await transact(deps, (unit) => settleJob(unit, verdict))).toBe(false)
  })

  it('tells the owner of a lost attempt, and of the last', async () => {
    await enqueue({ type: 'owned', maxAttempts: 2 })
    deps = { ...deps, retryDelayMs: (attempt) => attempt - 1 }
    const first = await claimOne('owned')
    expect(await failAttempt(deps, { ...first, error: 'one' })).toEqual({
      state: 'queued',
      delayMs: 0,
    })
    expect(await failAttempt(deps, { ...first, error: 'again' })).toBeNull()
    const second = await claimOne('owned')
    expect(await failAttempt(deps, { ...second, error: 'two' })).toEqual({
      state: 'dead',
      delayMs: null,
    })
    expect(told).toEqual([
      'lock nothing',
      'lost failed 1: one',
      'lock nothing',
      'ended dead 2: two',
    ])
  })

  it('waits before the next attempt', async () => {
    await enqueue({})
    await failAttempt(deps, { ...(await claimOne()), error: 'x' })
    const ms = await msToNextRun(deps, { types: ['task'] })
    expect(ms).toBeGreaterThan(3_500_000)
    expect(ms).toBeLessThanOrEqual(3_600_000)
  })

  it('ends a failed job with what its owner does, or neither', async () => {
    const [, refused] = await enqueue(
      { type: 'owned', runId: randomUUID() },
      { type: 'owned', payload: 'refuse' },
    )
    const claim = await claimOne('owned')
    expect(await failJob(deps, { ...claim, error: 'broken' })).toBe(true)
    expect(told).toEqual(['lock run', 'ended failed 1: broken'])
    const other = await claimOne('owned')
    expect(other.id).toBe(refused)
    await expect(failJob(deps, { ...other, error: 'x' })).rejects.toThrow('refused by its owner')
    expect(await states()).toEqual({ failed: 1, running: 1 })
    const { rows } = await sql`select from events`.execute(deps.db)
    expect(rows).toHaveLength(1)
  })

  it('expires what is overdue, even beside one whose owner refuses, and says when the next is', async () => {
    await enqueue({ type: 'owned', payload: 'refuse' }, { type: 'owned' }, {})
    const [refusing, willing] = [await claimOne('owned'), await claimOne('owned')]
    await claimOne()
    await overdue(refusing.id)
    await overdue(willing.id)
    await expect(expireJobs(deps)).rejects.toThrow('could not be ended')
    expect(await states()).toEqual({ failed: 1, running: 2 })
    expect(told).toContain('ended expired 1: Its deadline passed.')
    await failJob({ ...deps, owners: {} }, { ...refusing, error: 'x' })
    const { expired, nextInMs } = await expireJobs(deps)
    expect(expired).toEqual([])
    expect(nextInMs).toBeGreaterThan(0)
    expect(nextInMs).toBeLessThanOrEqual(60_000)
  })

  it('cancels what is live of a run and answers what was running', async () => {
    const runId = randomUUID()
    await enqueue({ type: 'owned', runId }, { type: 'owned', runId }, { runId: randomUUID() })
    const claim = await claimOne('owned')
    const cancel = () => transact(deps, (unit) => cancelJobs({ unit, owners }, { runId }))
    expect(await cancel()).toEqual([claim.id])
    expect(told.toSorted()).toEqual(['ended cancelled 0: null', 'ended cancelled 1: null'])
    expect(await cancel()).toEqual([])
    expect(await states()).toEqual({ cancelled: 2, queued: 1 })
    const late = { ...claim, state: 'succeeded', resultJson: null } as const
    expect(await completeJobs(deps, { workerId: claim.workerId, verdicts: [late] })).toEqual(
      new Set(),
    )
  })

  it('does not deadlock with a room that locks its run first and settles last', async () => {
    await sql`create table room (id integer primary key)`.execute(deps.db)
    await sql`insert into room values (1)`.execute(deps.db)
    await enqueue({ type: 'room' })
    const claim = await claimOne('room')
    await overdue(claim.id)
    let lockAsked = () => {}
    const asked = new Promise<void>((resolve) => (lockAsked = resolve))
    const racing: LedgerDeps = {
      ...deps,
      owners: {
        room: {
          async lock(unit) {
            lockAsked()
            await sql`select from room for update`.execute(unit.trx)
          },
          async ended() {
            told.push('ended')
            await Promise.resolve()
          },
        },
      },
    }
    let sweep: Promise<unknown> = Promise.resolve()
    const settled = await transact(deps, async (unit) => {
      await sql`select from room for update`.execute(unit.trx)
      sweep = expireJobs(racing)
      await asked
      return await settleJob(unit, { ...claim, state: 'succeeded' })
    })
    await sweep
    expect(settled).toBe(true)
    expect(told).toEqual([])
    expect(await states()).toEqual({ succeeded: 1 })
  })
})
