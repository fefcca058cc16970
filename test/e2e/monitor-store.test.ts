import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  completeJobs,
  type JobSnapshot,
  type RunSnapshot,
  storeArtifacts,
  storeJob,
  storeJobs,
  storeRun,
  storeRuns,
} from '../../packages/server/src/monitor/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  dumpMonitor,
  inTransaction,
  sampleJob,
  sampleRun,
  sampleStep,
  watchRepository,
} from '../support/monitor.ts'

let database: TestDatabase
let ids = 1000
let repositories = 0

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

async function newRepository() {
  const repositoryId = await watchRepository(database.db, `acme/shop-${++repositories}`)
  const store = (run: RunSnapshot) =>
    inTransaction(database.db, (unit) => storeRun(unit, { repositoryId, run }))
  const job = (one: JobSnapshot) =>
    inTransaction(database.db, (unit) => storeJob(unit, { repositoryId, job: one }))
  return { repositoryId, store, job }
}

const queued = (more: Partial<RunSnapshot> = {}) =>
  sampleRun({
    githubStatus: 'queued',
    conclusion: null,
    updatedAt: new Date('2025-01-01T10:00:00Z'),
    ...more,
  })
const running = (more: Partial<RunSnapshot> = {}) =>
  queued({ githubStatus: 'in_progress', updatedAt: new Date('2025-01-01T10:00:10Z'), ...more })

async function rowOf(id: number) {
  return database.db
    .selectFrom('workflow_runs')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
}

describe('storeRun', () => {
  it('stores a run through its life and tells each change once', async () => {
    const { store } = await newRepository()
    const id = ++ids
    expect(await store(queued({ id }))).toMatchObject({
      before: null,
      after: { status: 'pending', attempt: 1, duration: null },
    })
    expect(await store(running({ id }))).toMatchObject({
      before: { status: 'pending' },
      after: { status: 'running', githubStatus: 'in_progress' },
    })
    expect(await store(running({ id }))).toBeNull()
    expect(await store(sampleRun({ id }))).toMatchObject({
      before: { status: 'running' },
      after: { status: 'success', conclusion: 'success', duration: 300 },
      run: { id, branch: 'main' },
    })
    expect(await store(running({ id }))).toBeNull()
    expect(await rowOf(id)).toMatchObject({ status: 'success', duration: 300 })
  })

  it('replaces an attempt by the next, and keeps what became of both', async () => {
    const { store } = await newRepository()
    const id = ++ids
    await store(sampleRun({ id, conclusion: 'failure' }))
    const again = await store(
      queued({ id, attempt: 2, runStartedAt: new Date('2025-01-01T11:00:00Z') }),
    )
    expect(again).toMatchObject({
      before: { attempt: 1, status: 'failure' },
      after: { attempt: 2 },
    })
    expect(await rowOf(id)).toMatchObject({ attempt: 2, status: 'pending', duration: null })
    // Late news of the first attempt change the attempt only.
    const late = sampleRun({
      id,
      conclusion: 'cancelled',
      updatedAt: new Date('2025-01-01T10:06:00Z'),
    })
    expect(await store(late)).toBeNull()
    const attempts = await database.db
      .selectFrom('workflow_run_attempts')
      .select(['attempt', 'conclusion'])
      .where('run_id', '=', id)
      .orderBy('attempt')
      .execute()
    expect(attempts).toEqual([
      { attempt: 1, conclusion: 'cancelled' },
      { attempt: 2, conclusion: null },
    ])
  })

  it('keeps the newest run of each workflow and branch, in whatever order they come', async () => {
    const { repositoryId } = await newRepository()
    const first = ++ids
    const runs = [0, 1, 2, 3].map((n) =>
      sampleRun({
        id: first + n,
        branch: n === 3 ? 'develop' : 'main',
        createdAt: new Date(Date.UTC(2025, 0, 1 + n)),
        runStartedAt: new Date(Date.UTC(2025, 0, 1 + n)),
      }),
    )
    ids += 4
    for (const run of [runs[1], runs[2], runs[0], runs[3]]) {
      if (run === undefined) continue
      await inTransaction(database.db, (unit) => storeRun(unit, { repositoryId, run }))
    }
    const newest = () =>
      database.db
        .selectFrom('newest_workflow_runs')
        .select(['branch', 'run_id', 'status'])
        .where('repository_id', '=', repositoryId)
        .orderBy('branch')
        .execute()
    expect(await newest()).toEqual([
      { branch: 'develop', run_id: first + 3, status: 'success' },
      { branch: 'main', run_id: first + 2, status: 'success' },
    ])
    // Of the newest one a change is kept, of an older one none.
    await inTransaction(database.db, (unit) =>
      storeRuns(unit, {
        repositoryId,
        runs: [0, 2].map((n) => ({
          ...(runs[n] ?? sampleRun()),
          attempt: 2,
          githubStatus: 'queued',
        })),
      }),
    )
    expect(await newest()).toMatchObject([{ status: 'success' }, { status: 'pending' }])
  })

  it('comes to the same rows from any order of deliveries', async () => {
    const life = (id: number) => {
      const runs = [
        queued({ id }),
        running({ id }),
        sampleRun({ id, conclusion: 'failure' }),
        queued({ id, attempt: 2 }),
        sampleRun({ id, attempt: 2, updatedAt: new Date('2025-01-01T12:00:00Z') }),
      ]
      const jobs = [
        sampleJob({ id, runId: id, githubStatus: 'queued', conclusion: null, completedAt: null }),
        sampleJob({ id, runId: id, steps: [sampleStep()] }),
      ]
      return [...runs.map((run) => ({ run })), ...jobs.map((one) => ({ one }))]
    }
    const play = async (id: number, order: readonly number[]) => {
      const other = await createTestDatabase()
      try {
        const repositoryId = await watchRepository(other.db, 'acme/shop')
        const all = life(id)
        for (const index of order) {
          const told = all[index % all.length]
          await inTransaction(other.db, async (unit) => {
            if (told !== undefined && 'run' in told) {
              await storeRun(unit, { repositoryId, run: told.run })
            } else if (told !== undefined) {
              await storeJob(unit, { repositoryId, job: told.one })
            }
          })
        }
        return await dumpMonitor(other.db)
      } finally {
        await other.close()
      }
    }
    const straight = await play(1, [0, 1, 2, 3, 4, 5, 6])
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], {
      minLength: 14,
      maxLength: 14,
    })
    await fc.assert(
      fc.asyncProperty(order, async (shuffled) => {
        expect(await play(1, shuffled)).toEqual(straight)
      }),
      { numRuns: 12 },
    )
  })

  it('lets many write at once', async () => {
    const { repositoryId } = await newRepository()
    const first = ids + 1
    ids += 5
    const states = Array.from({ length: 5 }, (_, n) => first + n).flatMap((id) => [
      queued({ id }),
      running({ id }),
      sampleRun({ id }),
    ])
    await Promise.all(
      [...states, ...states.toReversed()].map((run) =>
        inTransaction(database.db, (unit) =>
          storeRuns(unit, { repositoryId, runs: [run, { ...run, id: first }] }),
        ),
      ),
    )
    for (let id = first; id < first + 5; id++) {
      expect(await rowOf(id)).toMatchObject({ status: 'success' })
    }
  })

  it('counts a version up with each change, and only then', async () => {
    const { repositoryId, store } = await newRepository()
    const version = async () => {
      const row = await database.db
        .selectFrom('monitored_repositories')
        .select('runs_version')
        .where('id', '=', repositoryId)
        .executeTakeFirstOrThrow()
      return row.runs_version
    }
    const id = ++ids
    await store(queued({ id }))
    expect(await version()).toBe(1)
    await store(queued({ id }))
    expect(await version()).toBe(1)
    await store(running({ id }))
    expect(await version()).toBe(2)
  })

  it('refuses a repository that is not there', async () => {
    await expect(
      inTransaction(database.db, (unit) =>
        storeRun(unit, { repositoryId: 2 ** 31 - 1, run: sampleRun({ id: ++ids }) }),
      ),
    ).rejects.toMatchObject({ code: 'resource_not_found' })
  })

  it('forgets artifacts and jobs of a state that passed', async () => {
    const { repositoryId, store } = await newRepository()
    const id = ++ids
    await store(sampleRun({ id, conclusion: 'failure' }))
    const artifact = {
      id: 5,
      name: 'dist',
      size_in_bytes: 10,
      expired: false,
      created_at: null,
      expires_at: null,
    }
    await inTransaction(database.db, async (unit) => {
      await storeArtifacts(unit, { runId: id, attempt: 1, artifacts: [artifact] })
      await completeJobs(unit, { runId: id, attempt: 1 })
    })
    await store(sampleRun({ id, conclusion: 'failure', commitMessage: 'Other words' }))
    expect(await rowOf(id)).toMatchObject({ artifacts: [artifact], jobs_complete: true })
    await store(queued({ id, attempt: 2 }))
    expect(await rowOf(id)).toMatchObject({ artifacts: null, jobs_complete: false })
    // What was asked for of an attempt that is over comes too late.
    await inTransaction(database.db, async (unit) => {
      await storeArtifacts(unit, { runId: id, attempt: 1, artifacts: [artifact] })
      await completeJobs(unit, { runId: id, attempt: 1 })
      await completeJobs(unit, { runId: id, attempt: 2 })
    })
    expect(await rowOf(id)).toMatchObject({ artifacts: null, jobs_complete: false })
    expect(repositoryId).toBeGreaterThan(0)
  })
})

describe('storeJob', () => {
  it('takes a job before its run, and tells which steps changed', async () => {
    const { repositoryId, job } = await newRepository()
    const id = ++ids
    const begun = sampleJob({
      id,
      runId: id,
      githubStatus: 'in_progress',
      conclusion: null,
      completedAt: null,
      steps: [sampleStep({ status: 'in_progress', conclusion: null, completed_at: null })],
    })
    expect(await job(begun)).toMatchObject({ before: null, changedSteps: [{ number: 1 }] })
    const ended = sampleJob({
      id,
      runId: id,
      steps: [sampleStep(), sampleStep({ number: 2, name: 'Run tests' })],
    })
    const change = await job(ended)
    expect(change).toMatchObject({
      before: { githubStatus: 'in_progress' },
      after: { githubStatus: 'completed' },
    })
    expect(change?.changedSteps.map(({ name }) => name)).toEqual(['Setup Node.js', 'Run tests'])
    expect(await job(begun)).toBeNull()
    expect(await job(ended)).toBeNull()
    const both = await inTransaction(database.db, (unit) =>
      storeJobs(unit, { repositoryId, jobs: [ended, sampleJob({ id: ++ids, runId: id })] }),
    )
    expect(both.map(({ after }) => after.id)).toEqual([ids])
  })

  it('goes with its repository', async () => {
    const { repositoryId, job } = await newRepository()
    const id = ++ids
    await job(sampleJob({ id, runId: id }))
    await database.db.deleteFrom('monitored_repositories').where('id', '=', repositoryId).execute()
    const left = await database.db
      .selectFrom('workflow_jobs')
      .select('id')
      .where('id', '=', id)
      .execute()
    expect(left).toEqual([])
  })
})
