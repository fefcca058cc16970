import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../../packages/server/src/db/open-database.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { quietLog } from '../support/quiet-log.ts'

let database: TestDatabase

beforeEach(async () => {
  database = await createTestDatabase()
})

afterEach(() => database.close())

/** What a restart of the database does to its connections. */
async function cutConnections() {
  const admin = await openDatabase({ url: database.adminUrl, log: quietLog, maxConnections: 1 })
  await admin.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and usename = 'slipway'`,
  )
  await admin.close()
}

test('every test has a migrated database of its own, by an ordinary user', async () => {
  const other = await createTestDatabase()
  await database.db.insertInto('leases').values(lease('a')).execute()
  expect(await other.db.selectFrom('leases').selectAll().execute()).toEqual([])
  await other.close()
  const { rows } = await sql<{
    super: string
  }>`select current_setting('is_superuser') as super`.execute(database.db)
  expect(rows).toEqual([{ super: 'off' }])
})

test('a bigint is a number, a time is a Date, JSON is what was put in', async () => {
  await database.db
    .insertInto('events')
    .values({ event_type: 'x', occurred_at: '2026-01-02T03:04:05.678Z', data: '{"a":[1]}' })
    .execute()
  const row = await database.db.selectFrom('events').selectAll().executeTakeFirstOrThrow()
  expect(row).toMatchObject({
    id: 1,
    occurred_at: new Date('2026-01-02T03:04:05.678Z'),
    data: { a: [1] },
  })
  await expect(sql`select 9007199254740993::bigint`.execute(database.db)).rejects.toThrow(/safe/)
})

test('connections that are cut, idle or in a transaction, fail what they carry and nothing else', async () => {
  const unexpected: unknown[] = []
  const note = (error: unknown) => unexpected.push(error)
  process.on('uncaughtExceptionMonitor', note)
  const lost = database.db.transaction().execute(async (trx) => {
    await trx.insertInto('leases').values(lease('b')).execute()
    await cutConnections()
    await trx.insertInto('leases').values(lease('c')).execute()
  })
  await expect(lost).rejects.toThrow(/terminat|ECONNRESET|EPIPE|not queryable/)
  expect(await database.db.selectFrom('leases').selectAll().execute()).toEqual([])
  await cutConnections()
  await expect
    .poll(() =>
      database.db
        .selectFrom('leases')
        .selectAll()
        .execute()
        .catch(() => null),
    )
    .toEqual([])
  process.off('uncaughtExceptionMonitor', note)
  expect(unexpected).toEqual([])
})

test('a statement that takes too long is ended by the server', async () => {
  const impatient = await openDatabase({
    url: database.url,
    log: quietLog,
    maxConnections: 1,
    statementTimeoutMs: 100,
  })
  await expect(impatient.pool.query('select pg_sleep(20)')).rejects.toMatchObject({ code: '57014' })
  expect((await impatient.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  await impatient.close()
})

test('a database that is not there is a reason not to start, in words', async () => {
  const missing = new URL(database.url)
  missing.pathname = '/nobody_made_this'
  await expect(openDatabase({ url: missing.href, log: quietLog })).rejects.toMatchObject({
    name: 'StartupError',
    message: expect.stringContaining('nobody_made_this'),
  })
  const unreachable = 'postgresql://user:hush@127.0.0.1:1/x'
  const error = await openDatabase({ url: unreachable, log: quietLog, connectTimeoutMs: 50 }).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ name: 'StartupError' })
  expect((error as Error).message).not.toContain('hush')
})

test('closing twice is closing once', async () => {
  const opened = await openDatabase({ url: database.url, log: quietLog })
  await opened.close()
  await opened.close()
  expect(opened.pool.ended).toBe(true)
})

function lease(name: string) {
  return { name, holder: '00000000-0000-4000-8000-000000000000', expires_at: new Date() }
}
