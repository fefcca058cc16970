import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { markSilent } from '../../packages/server/src/runners/beat-heart.ts'
import { endSilent } from '../../packages/server/src/runners/hooks/end-silent.ts'
import { endWordless } from '../../packages/server/src/runners/prune-delegations.ts'
import { startRunnerDuties } from '../../packages/server/src/runners/index.ts'
import { createRunnersApp, type RunnersApp } from '../support/runners-app.ts'
import { keptFor } from '../support/kept-times.ts'

const dayMs = 86_400_000
let test: RunnersApp

beforeAll(async () => {
  test = await createRunnersApp()
})
afterAll(() => test.close())

function startDuties() {
  const duties = startRunnerDuties(
    { ...test.runners, holder: randomUUID() },
    { home: 'here', retention: keptFor({ runsMs: 90 * dayMs, logsMs: 7 * dayMs }) },
  )
  onTestFinished(() => duties.close())
}
const key = (id: string) => `delegations/${id}/logs/job.log`

/** A job that ended so many days ago, with a log; `open`: its writer died. */
async function ended(days: number, open = false): Promise<string> {
  const id = await test.delegate()
  await test.report(id, { status: 'failed' })
  await test.database.pool.query(
    `update delegations set completed_at = now() - $2 * interval '1 day' where id = $1`,
    [id, days],
  )
  const writer = await test.runners.logs.open(key(id), { secrets: [] })
  await writer.write(Buffer.from('a line\n'))
  await (open ? writer.suspend() : writer.seal())
  return id
}
const statusOf = async (id: string) => (await test.request('GET', `/api/jobs/${id}`)).statusCode
const logsOf = async (id: string) =>
  (await test.request('GET', `/api/jobs/${id}/logs`)).json().data?.logs

describe('jobs that have ended', () => {
  it('go when their time is over, their logs before them, and are counted no more', async () => {
    const [old, middle, young] = [await ended(91), await ended(8), await ended(6)]
    const running = await test.delegate()
    startDuties()
    await expect.poll(() => statusOf(old)).toBe(404)
    await expect.poll(() => logsOf(middle)).toBe('')
    expect(await test.runners.logs.stat(key(old))).toBeNull()
    expect([await statusOf(middle), await logsOf(young)]).toEqual([200, 'a line'])
    expect(await statusOf(running)).toBe(200)
    const list = await test.request('GET', '/api/jobs')
    expect(list.json().pagination.total).toBe(3)
  })

  it('leave no counter, and with them go runners that were not heard of for as long', async () => {
    const old = await ended(95)
    await test.database.pool.query(
      `update delegations set created_at = now() - interval '95 days' where id = $1`,
      [old],
    )
    await test.database.pool.query(
      `insert into runners (id, name, type, status, last_heartbeat, created_at, updated_at)
       select gen_random_uuid(), age || ' days', type, 'idle', now() - age * interval '1 day', now(), now()
         from unnest(array[91, 89]) as age, unnest(array['proxy', 'dedicated']) as type`,
    )
    const left = async () => {
      const { rows } = await test.database.pool.query<{ line: string }>(
        `select concat_ws(' ', type, name, status) as line from runners where name like '%days'
         union all
         select 'counter' from delegation_counts
          where day < extract(epoch from now()) / 86400 - 91 order by 1`,
      )
      return rows.map(({ line }) => line)
    }
    expect((await left()).filter((line) => line === 'counter')).toHaveLength(1)
    await markSilent(test.runners)
    startDuties()
    await expect.poll(left).toEqual(['dedicated 89 days offline', 'proxy 89 days offline'])
  })

  it('have their logs handed over although whoever wrote them died', async () => {
    const id = await ended(1, true)
    expect(await test.runners.logs.stat(key(id))).toMatchObject({ sealed: false })
    startDuties()
    await expect
      .poll(() => test.runners.logs.stat(key(id)))
      .toMatchObject({ sealed: true, lines: 1 })
    expect(await logsOf(id)).toBe('a line')
  })
})

describe('jobs that others run', () => {
  it('are lost when nothing was heard of them for a day', async () => {
    const [silent, alive, waiting] = [
      await test.delegate(),
      await test.delegate(),
      await test.delegate(),
    ]
    await test.report(silent, { status: 'running' })
    await test.report(alive, { status: 'running' })
    await test.database.pool.query(
      `update delegations set updated_at = now() - interval '25 hours' where id = any($1::uuid[])`,
      [[silent, waiting]],
    )
    startDuties()
    await expect.poll(async () => (await test.show(silent)).status).toBe('failed')
    expect(await test.show(silent)).toMatchObject({ metadata: { reason: 'lost' } })
    expect(await test.told(silent)).toEqual(['queued', 'running', 'failed'])
    expect((await test.show(alive)).status).toBe('running')
    expect((await test.show(waiting)).status).toBe('queued')
  })

  it('are not lost where something is said of them just then', async () => {
    const reported = await test.delegate()
    await test.report(reported, { status: 'running' })
    const hooked = await test.delegate({ container: {}, runnerName: 'late' })
    const ids = [reported, hooked]
    const { pool } = test.database
    await pool.query(`delete from runners where name = 'late'`)
    await pool.query(
      `update delegations set updated_at = now() - interval '25 hours' where id = any($1::uuid[])`,
      [ids],
    )
    const says = await pool.connect()
    try {
      await says.query('begin')
      await says.query(`update delegations set updated_at = now() where id = any($1::uuid[])`, [
        ids,
      ])
      const { signal } = new AbortController()
      const input = { before: new Date(Date.now() - dayMs), signal }
      const ends = [endWordless(test.runners, input), endSilent(test.runners, input)]
      const waiting = async () => {
        const { rows } = await pool.query<{ count: number }>(
          `select count(*)::integer as count from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rows[0]?.count
      }
      await expect.poll(waiting).toBe(2)
      await says.query('commit')
      expect(await Promise.all(ends)).toEqual([0, 0])
    } finally {
      says.release()
    }
    const statuses = await Promise.all(ids.map(async (id) => (await test.show(id)).status))
    expect(statuses).toEqual(['running', 'queued'])
  })

  it('are lost where their proxy is there, but does another one', async () => {
    const lost = await test.delegate({ container: {}, runnerName: 'back' })
    const own = await test.delegate({ container: {}, runnerName: 'back' })
    const other = await test.delegate({ container: {}, runnerName: 'other' })
    await test.database.pool.query(
      `update delegations set updated_at = now() - interval '1 hour' where id = any($1::uuid[])`,
      [[lost, own, other]],
    )
    const before = new Date(Date.now() - 900_000)
    expect(await endSilent(test.runners, { before, signal: new AbortController().signal })).toBe(1)
    expect(await test.show(lost)).toMatchObject({ status: 'failed', metadata: { reason: 'lost' } })
    expect((await test.show(own)).status).toBe('queued')
    expect((await test.show(other)).status).toBe('queued')
  })
})
