// Old runs go with everything that belongs to them, and lists stay right.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { deleteOldRuns, listRuns, startRun } from '../../packages/server/src/runs/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
const principal = { id: 'a', name: 'a', roles: ['admin'], repositories: null } as const

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

it('deletes the oldest runs that have ended, up to the first that is young or active', async () => {
  const { db } = database
  const deps = { db, wakeEvents() {}, wakeJobs() {}, stopJobs() {} }
  const deleted: string[] = []
  const deleteLogs = async (prefix: string) => void deleted.push(prefix)
  const repository = `acme/${randomUUID().slice(0, 8)}`
  const ids: string[] = []
  for (let n = 0; n < 5; n++) {
    const commit_sha = `${n}`.repeat(40)
    const branch = n % 2 === 0 ? 'main' : 'other'
    const request = { repository, branch, commit_sha, trigger_type: 'push' } as const
    ids.push((await startRun(deps, { principal, request })).id)
  }
  const [first = '', second = '', , fourth = ''] = ids
  const long = new Date(Date.now() - 3_600_000)
  await db
    .updateTable('runs')
    .set({ status: 'success', completed_at: long })
    .where('id', 'in', [first, second, fourth])
    .execute()

  const before = new Date(Date.now() - 60_000)
  const { signal } = new AbortController()
  expect(await deleteOldRuns({ ...deps, deleteLogs }, { before, signal })).toBe(2)
  expect(deleted).toEqual([`pipeline-runs/${first}/`, `pipeline-runs/${second}/`])

  const list = (more: { branch?: string; offset?: number } = {}) =>
    listRuns(deps, { principal, repository, limit: 2, offset: 0, ...more })
  const idsOf = ({ runs }: { runs: { id: string }[] }) => runs.map(({ id }) => id)
  expect((await list()).total).toBe(3)
  expect(idsOf(await list({ offset: 1 }))).toEqual([fourth, ids[2]])
  expect(await list({ branch: 'main' })).toMatchObject({ total: 2 })
  expect(await list({ branch: 'other' })).toMatchObject({ total: 1, runs: [{ id: fourth }] })
  const request = {
    repository,
    branch: 'main',
    commit_sha: 'f'.repeat(40),
    trigger_type: 'push',
  } as const
  const next = await startRun(deps, { principal, request })
  expect(idsOf(await list())[0]).toBe(next.id)
  expect((await list()).total).toBe(4)
})

it('keeps nobody from starting a run while logs are being deleted', async () => {
  const { db } = database
  const deps = { db, wakeEvents() {}, wakeJobs() {}, stopJobs() {} }
  const repository = `acme/${randomUUID().slice(0, 8)}`
  const start = (digit: string) => {
    const commit_sha = digit.repeat(40)
    const request = { repository, branch: 'main', commit_sha, trigger_type: 'push' } as const
    return startRun(deps, { principal, request })
  }
  const { id } = await start('a')
  await db
    .updateTable('runs')
    .set({ status: 'success', completed_at: new Date(0) })
    .where('id', '=', id)
    .execute()
  // Deleting ends when the other run is there.
  const deleteLogs = async () => void (await start('b'))
  const input = { before: new Date(), signal: new AbortController().signal }
  expect(await deleteOldRuns({ ...deps, deleteLogs }, input)).toBe(1)
  const list = await listRuns(deps, { principal, repository, limit: 2, offset: 0 })
  expect(list).toMatchObject({ total: 1, runs: [{ commit_sha: 'b'.repeat(40) }] })
})
