import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { listenSignals } from '../../packages/server/src/db/listen-signals.ts'
import { openDatabase } from '../../packages/server/src/db/open-database.ts'
import type { Signals } from '../../packages/server/src/db/signals.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { quietLog } from '../support/quiet-log.ts'

let database: TestDatabase
let here: Signals
let there: Signals

beforeEach(async () => {
  database = await createTestDatabase()
  here = await listenSignals({ ...database, log: quietLog })
  there = await listenSignals({ ...database, log: quietLog })
})

afterEach(async () => {
  await here.close()
  await there.close()
  await database.close()
})

test('a signal is heard once here and once by every other server', async () => {
  const heardHere = vi.fn()
  const heardThere = vi.fn()
  const other = vi.fn()
  here.on('jobs', heardHere)
  there.on('jobs', heardThere)
  there.on('events', other)
  here.notify('jobs', 'build')
  here.notify('jobs', "it's")
  await vi.waitFor(() => expect(heardThere.mock.calls).toEqual([['build'], ["it's"]]))
  // This one comes after whatever PostgreSQL has still to say about the two above.
  there.notify('jobs', 'last')
  await vi.waitFor(() => expect(heardHere.mock.calls).toEqual([['build'], ["it's"], ['last']]))
  expect(heardThere).toHaveBeenCalledTimes(3)
  expect(other).not.toHaveBeenCalled()
})

test('what waits together is sent together, and equal signals become one', async () => {
  const heard = vi.fn()
  there.on('jobs', heard)
  for (let count = 0; count < 1000; count++) here.notify('jobs', String(count % 2))
  here.notify('jobs', 'last')
  await vi.waitFor(() => expect(heard).toHaveBeenCalledWith('last'))
  expect(heard.mock.calls).toEqual([['0'], ['1'], ['last']])
})

test('after a lost connection every listener is told once to look for itself, and then hears again', async () => {
  const jobs = vi.fn()
  const events = vi.fn()
  there.on('jobs', jobs)
  there.on('events', events)
  const admin = await openDatabase({ url: database.adminUrl, log: quietLog, maxConnections: 1 })
  await admin.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'slipway-signals'`,
  )
  await admin.close()
  await vi.waitFor(() => expect(jobs.mock.calls).toEqual([[null]]), { timeout: 10_000 })
  expect(events.mock.calls).toEqual([[null]])
  here.notify('jobs', 'again')
  await vi.waitFor(() => expect(jobs).toHaveBeenCalledWith('again'))
})

test('what was notified before the end is sent; after it nothing is heard', async () => {
  const heard = vi.fn()
  const deaf = vi.fn()
  there.on('jobs', heard)
  here.on('jobs', deaf)
  here.notify('jobs', 'farewell')
  await here.close()
  await vi.waitFor(() => expect(heard).toHaveBeenCalledWith('farewell'))
  expect(deaf).not.toHaveBeenCalled()
})

test('a database that is not there is said at once', async () => {
  const missing = new URL(database.url)
  missing.pathname = '/nobody_made_this'
  await expect(listenSignals({ ...database, url: missing.href, log: quietLog })).rejects.toThrow(
    /nobody_made_this/,
  )
})
