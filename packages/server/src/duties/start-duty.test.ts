import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { quietLog } from '../../../../test/support/quiet-log.ts'
import { type Duty, type DutyOptions, startDuty } from './start-duty.ts'

let database: TestDatabase
let duties: Duty[]
beforeEach(async () => {
  database = await createTestDatabase()
  duties = []
})
afterEach(async () => {
  await Promise.all(duties.map((duty) => duty.close()))
  await database.close()
})

function start(options: Partial<DutyOptions> & Pick<DutyOptions, 'run'>): Duty {
  const duty = startDuty(
    { db: database.db, log: quietLog, holder: randomUUID() },
    { name: 'test', everyMs: 3_600_000, ...options },
  )
  duties.push(duty)
  return duty
}

it('runs at once, then after the pause, or sooner if it asks for that', async () => {
  let runs = 0
  start({ everyMs: 5, run: () => Promise.resolve(void runs++) })
  await expect.poll(() => runs).toBeGreaterThan(3)
  let eager = 0
  start({ name: 'eager', run: () => Promise.resolve(++eager < 4 ? 0 : undefined) })
  await expect.poll(() => eager).toBe(4)
})

it('runs once more for any number of wakes during a run', async () => {
  const gates: (() => void)[] = []
  const duty = start({ run: () => new Promise((resolve) => gates.push(resolve)) })
  await expect.poll(() => gates.length).toBe(1)
  duty.wake()
  duty.wake()
  gates[0]?.()
  await expect.poll(() => gates.length).toBe(2)
  gates[1]?.()
  duty.wake()
  await expect.poll(() => gates.length).toBe(3)
  gates[2]?.()
  await duty.close()
  expect(gates).toHaveLength(3)
})

it('is done by one at a time, and by the next when that one lets go', async () => {
  let inside = 0
  const ran: number[] = []
  const run = (who: number) => async () => {
    expect(++inside).toBe(1)
    await sql`select 1`.execute(database.db)
    inside--
    ran.push(who)
  }
  const first = start({ everyMs: 5, run: run(1) })
  await expect.poll(() => ran).toContain(1)
  const second = start({ everyMs: 5, run: run(2) })
  await expect.poll(() => ran.length).toBeGreaterThan(10)
  expect(new Set(ran)).toEqual(new Set([1]))
  expect([first.held, second.held]).toEqual([true, false])
  await first.close()
  await expect.poll(() => ran).toContain(2)
  expect(second.held).toBe(true)
})

it('is taken over from a holder that fell silent, once its lease has run out', async () => {
  await sql`insert into leases values ('test', ${randomUUID()}::uuid, now() + interval '300 ms')`.execute(
    database.db,
  )
  const { rows } = await sql<{ until: Date }>`
    select expires_at as until from leases`.execute(database.db)
  let ranAt: number | null = null
  start({ everyMs: 20, run: () => Promise.resolve(void (ranAt ??= Date.now())) })
  await expect.poll(() => ranAt).not.toBeNull()
  expect(ranAt).toBeGreaterThanOrEqual(rows[0]!.until.getTime())
})

it('aborts a run whose lease was taken, and keeps one by renewing it', async () => {
  const signals: AbortSignal[] = []
  start({
    leaseMs: 1500,
    run: (signal) => {
      signals.push(signal)
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    },
  })
  const expiry = async () =>
    (await database.db.selectFrom('leases').select('expires_at').executeTakeFirst())?.expires_at
  await expect.poll(() => signals.length).toBe(1)
  const first = await expiry()
  await expect.poll(expiry, { timeout: 5000 }).not.toEqual(first)
  expect(signals[0]?.aborted).toBe(false)
  await sql`update leases set holder = gen_random_uuid(), expires_at = now() + interval '1 h'`.execute(
    database.db,
  )
  await expect.poll(() => signals[0]?.aborted, { timeout: 5000 }).toBe(true)
  expect(signals).toHaveLength(1)
})

it('tries again after a failure', async () => {
  let runs = 0
  start({
    run: () => (++runs === 1 ? Promise.reject(new Error('no luck')) : Promise.resolve()),
  })
  await expect.poll(() => runs, { timeout: 5000 }).toBe(2)
})

it('aborts the run when it is closed, waits for its end, and lets go of the lease', async () => {
  let ended = false
  const duty = start({
    run: async (signal) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      await sql`select 1`.execute(database.db)
      ended = true
    },
  })
  await expect.poll(() => duty.held).toBe(true)
  await duty.close()
  expect(ended).toBe(true)
  const { rows } = await sql`select from leases`.execute(database.db)
  expect(rows).toEqual([])
})
