// Logs that a dead server left open are handed to the object store when nobody can go on with them.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { sealEndedLogs, startRun } from '../../packages/server/src/runs/index.ts'
import { forever, makeLogPlace } from '../ports/log-place.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
const principal = { id: 'a', name: 'a', roles: ['admin'], repositories: null } as const

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

it('seals the logs of runs that have ended, and no others', async () => {
  const { db } = database
  const deps = { db, wakeEvents() {}, wakeJobs() {}, stopJobs() {} }
  const place = await makeLogPlace()
  onTestFinished(() => place.dispose())
  const dead = place.makeStore()
  const next = place.makeStore()
  const logOf = async (endedMinutesAgo: number | null) => {
    const commit_sha = randomUUID().replaceAll('-', '').padEnd(40, '0')
    const request = { repository: 'acme/shop', branch: 'main', commit_sha, trigger_type: 'push' }
    const { id } = await startRun(deps, {
      principal,
      request: { ...request, trigger_type: 'push' },
    })
    if (endedMinutesAgo !== null) {
      const completed_at = new Date(Date.now() - endedMinutesAgo * 60_000)
      const change = { status: 'failed', completed_at } as const
      await db.updateTable('runs').set(change).where('id', '=', id).execute()
    }
    const key = `pipeline-runs/${id}/logs/test/app/unit.log`
    const writer = await dead.open(key, { secrets: [] })
    await writer.write(Buffer.from('left open\n'))
    await writer.suspend()
    return key
  }
  const ended = await logOf(2)
  const justNow = await logOf(0)
  const active = await logOf(null)
  const written = await logOf(2)
  const writer = await next.open(written, { secrets: [] })

  const sealed = async () => {
    const stats = await Promise.all([ended, justNow, active, written].map((key) => next.stat(key)))
    return stats.map((stat) => stat?.sealed)
  }
  expect(await sealEndedLogs({ db, logs: next }, forever)).toBe(1)
  expect(await sealed()).toEqual([true, false, false, false])
  expect(await sealEndedLogs({ db, logs: next }, forever)).toBe(0)
  await writer.seal()
  expect(await sealed()).toEqual([true, false, false, true])
})

it('deletes the logs of runs that retention has taken meanwhile', async () => {
  const { db } = database
  const deps = { db, wakeEvents() {}, wakeJobs() {}, stopJobs() {} }
  const place = await makeLogPlace()
  onTestFinished(() => place.dispose())
  const commit_sha = randomUUID().replaceAll('-', '').padEnd(40, '0')
  const { id } = await startRun(deps, {
    principal,
    request: { repository: 'acme/shop', branch: 'main', commit_sha, trigger_type: 'push' },
  })
  const ended = {
    status: 'failed',
    completed_at: new Date(0),
    logs_deleted_at: new Date(),
  } as const
  await db.updateTable('runs').set(ended).where('id', '=', id).execute()
  const store = place.makeStore()
  const keys = [id, randomUUID()].map((run) => `pipeline-runs/${run}/logs/test/app/unit.log`)
  for (const key of keys) {
    const writer = await store.open(key, { secrets: [] })
    await writer.note('left open')
    await writer.suspend()
  }
  await sealEndedLogs({ db, logs: store }, forever)
  expect(await Promise.all(keys.map((key) => store.stat(key)))).toEqual([null, null])
})
