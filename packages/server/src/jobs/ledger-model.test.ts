import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newJob } from '../../../../test/ports/job-bus-tools.ts'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { transact } from '../db/unit-of-work.ts'
import {
  cancelJobs,
  claimJobs,
  completeJobs,
  expireJob,
  failAttempt,
  failJob,
  type LedgerDeps,
  registerWorker,
  releaseWorker,
  returnJobs,
  strandJob,
} from './index.ts'
import { applyChange, type JobChange, jobChanges, type JobStanding } from './job-states.ts'

let database: TestDatabase
let deps: LedgerDeps
beforeAll(async () => {
  database = await createTestDatabase()
  deps = {
    db: database.db,
    owners: {},
    wakeEvents: () => {},
    wakeJobs: () => {},
    retryDelayMs: () => 0,
  }
})
afterAll(async () => {
  await database.close()
})

const register = (id: string) =>
  registerWorker(deps, { id, name: 'w', home: id, types: ['task'], capacity: 9 })

it('the ledger does what the table of states allows, and nothing else', async () => {
  const sequences = fc.array(fc.constantFrom(...jobChanges, 'claim' as const), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), sequences, async (maxAttempts, sequence) => {
      await sql`truncate jobs, workers`.execute(deps.db)
      const workerId = randomUUID()
      await register(workerId)
      const job = newJob({ runId: randomUUID(), maxAttempts })
      await transact(deps, (unit) => Promise.resolve(unit.enqueue(job)))
      let model: JobStanding = { state: 'queued', attempt: 0, maxAttempts }
      for (const change of sequence) {
        await attempt(change, { id: job.id, attempt: model.attempt, workerId }, job.runId!)
        model = applyChange(model, change) ?? model
        const row = await database.db
          .selectFrom('jobs')
          .select(['state', 'attempt', 'max_attempts as maxAttempts'])
          .executeTakeFirstOrThrow()
        expect(row).toEqual(model)
      }
    }),
    { numRuns: 40 },
  )
})

async function attempt(
  change: JobChange,
  claim: { id: string; attempt: number; workerId: string },
  runId: string,
): Promise<void> {
  const verdict = { ...claim, error: 'x' }
  switch (change) {
    case 'claim':
      await claimJobs(deps, { workerId: claim.workerId, types: ['task'], limit: 1 })
      return
    case 'return':
      await returnJobs(deps, { workerId: claim.workerId, attempts: [claim] })
      return
    case 'succeed':
      await completeJobs(deps, {
        workerId: claim.workerId,
        verdicts: [{ ...claim, state: 'succeeded', resultJson: null }],
      })
      return
    case 'fail':
      await failJob(deps, verdict)
      return
    case 'lose':
      await failAttempt(deps, verdict)
      return
    case 'expire':
      await sql`update jobs set deadline_at = now() where state = 'running'`.execute(deps.db)
      await expireJob(deps, claim)
      return
    case 'cancel':
      await transact(deps, (unit) => cancelJobs({ unit, owners: {} }, { runId }))
      return
    case 'strand':
      await strandJob(deps, verdict)
  }
}

it('each job ends exactly once, whatever workers die in between', async () => {
  await sql`truncate jobs, workers`.execute(deps.db)
  await sql`create table ends (id uuid, state text)`.execute(deps.db)
  await sql`
    create function note_end() returns trigger language plpgsql as $$
    begin insert into ends values (new.id, new.state); return new; end $$`.execute(deps.db)
  await sql`
    create trigger ends after update on jobs for each row
    when (new.finished_at is not null) execute function note_end()`.execute(deps.db)
  const jobs = Array.from({ length: 150 }, () => newJob({ maxAttempts: 4 }))
  await transact(deps, async (unit) => {
    for (const job of jobs) unit.enqueue(job)
  })
  const luck = fc.sample(fc.nat(9), { numRuns: 5000, seed: 7 }).values()
  const next = () => luck.next().value ?? 9
  const remaining = async () => {
    const { rows } = await sql`select from jobs where finished_at is null limit 1`.execute(deps.db)
    return rows.length > 0
  }
  const work = async () => {
    let workerId = randomUUID()
    await register(workerId)
    while (await remaining()) {
      const claimed = await claimJobs(deps, { workerId, types: ['task'], limit: 5 })
      const late = claimed.map((job) => ({
        id: job.id,
        attempt: job.attempt,
        workerId,
        state: 'succeeded' as const,
        resultJson: null,
      }))
      if (next() < 3) {
        // It dies; what it had already sent arrives while its jobs are freed.
        const [half, dead] = [late.slice(0, 2), workerId]
        workerId = randomUUID()
        await Promise.all([
          releaseWorker(deps, { workerId: dead }),
          completeJobs(deps, { workerId: dead, verdicts: half }),
          register(workerId),
        ])
        await completeJobs(deps, { workerId: dead, verdicts: late })
      } else {
        const [bad, good] = [late.slice(0, 1), late.slice(1)]
        await Promise.all([
          completeJobs(deps, { workerId, verdicts: good.toReversed() }),
          ...bad.map((job) => failAttempt(deps, { ...job, error: 'x' })),
        ])
      }
    }
  }
  await Promise.all(Array.from({ length: 6 }, work))
  const { rows } = await sql<{ id: string; count: number }>`
    select id, count(*)::integer as count from ends group by id`.execute(deps.db)
  expect(rows.map((row) => row.id).toSorted()).toEqual(jobs.map((job) => job.id).toSorted())
  expect(rows.filter((row) => row.count !== 1)).toEqual([])
  const { rows: ended } = await sql<{ state: string; attempt: number }>`
    select distinct state, attempt from jobs`.execute(deps.db)
  for (const { state, attempt: reached } of ended) {
    expect(['succeeded', 'dead']).toContain(state)
    if (state === 'dead') expect(reached).toBe(4)
    else expect(reached).toBeLessThanOrEqual(4)
  }
})
