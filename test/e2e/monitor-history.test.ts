// What polls of GitHub Actions do not bring: the runs of before, and what became of old ones.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusal } from '../support/github/stand-in.ts'
import { ago, createIngestWorld, type IngestWorld, jobOf } from '../support/monitor-ingest.ts'

const shop = 'acme/shop'
const ended = { status: 'completed', conclusion: 'success' } as const
const minute = 60_000
let world: IngestWorld

beforeEach(async () => {
  world = await createIngestWorld()
  world.github.actions.addRepository(shop, { id: 77 })
})
afterEach(() => world.close())

const statuses = async () =>
  Object.fromEntries((await world.runs(shop)).map(({ id, status }) => [id, status]))

describe('the runs of before', () => {
  const old = (count: number) => {
    for (let id = 1; id <= count; id++) {
      world.github.actions.putRun(shop, {
        id,
        ...ended,
        created_at: ago(86_400_000 + (count - id) * 3_600_000),
      })
    }
  }
  const since = async () => (await world.repository(shop))?.complete_since ?? new Date()
  const days = (count: number) => Date.now() - count * 86_400_000

  it('are fetched for 90 days, and by whoever comes next from where it was left', async () => {
    old(3_000)
    let pages = 0
    world.github.behave(({ operation, path }) => {
      if (operation !== 'actions/list-workflow-runs-for-repo' || !path.includes('created=')) return
      pages += 1
      return pages > 3 ? refusal(502, 'Server Error') : undefined
    })
    world.open({ configured: [shop] })
    await expect.poll(() => pages, { timeout: 10_000 }).toBeGreaterThan(3)
    const left = await since()
    expect(left.getTime()).toBeGreaterThan(days(60))
    await world.stop()
    const before = world.github.seen.length
    world.github.behave(null)
    world.open({ configured: [shop] })
    await expect
      .poll(async () => (await since()).getTime(), { timeout: 20_000 })
      .toBeLessThan(days(89))
    const windows = world.github.seen
      .slice(before)
      .flatMap(({ path }) => /created=[^&]*\.\.([^&]*)/.exec(path)?.[1] ?? [])
      .map((to) => Date.parse(decodeURIComponent(to)))
    expect(Math.max(...windows)).toBeLessThanOrEqual(left.getTime())
    const count = (await world.runs(shop)).length
    expect(count).toBeGreaterThan(89 * 24 - 25)
    expect(count).toBeLessThan(3_000)
    // It is history: nobody is told of it.
    expect(await world.events()).toEqual([])
  }, 60_000)

  it('are looked at again now and then, where they may have been run again', async () => {
    for (let id = 1; id <= 150; id++) {
      const of = { created_at: ago((200 - id) * minute), updated_at: ago((199 - id) * minute) }
      world.github.actions.putRun(shop, { id, ...ended, ...of, conclusion: 'failure' })
    }
    world.open({ configured: [shop], rescanMs: 1_000 })
    const details = async () => (await world.runs(shop)).filter((run) => run.jobs_complete).length
    await expect.poll(details, { timeout: 20_000 }).toBe(150)
    // Too old for the page of a poll.
    const again = { run_attempt: 2, run_started_at: ago(0), updated_at: ago(0), ...ended }
    world.github.actions.putRun(shop, { id: 3, ...again })
    const third = async () => (await world.runs(shop)).find(({ id }) => id === 3)
    await expect.poll(third, { timeout: 20_000 }).toMatchObject({ attempt: 2, status: 'success' })
    expect(await world.events()).toContain('workflow.run.completed')
  }, 60_000)

  it('are deleted when no figure needs them any more, but for the newest', async () => {
    const { pool } = world.database
    world.github.actions.putRun(shop, { id: 1, ...ended, created_at: ago(500 * 86_400_000) })
    world.github.actions.putRun(shop, { id: 2, ...ended, created_at: ago(450 * 86_400_000) })
    world.github.actions.putRun(shop, { id: 3, ...ended, created_at: ago(minute) })
    const old = { head_branch: 'old', created_at: ago(500 * 86_400_000) }
    world.github.actions.putRun(shop, { id: 4, ...ended, ...old, jobs: { 1: [jobOf(41)] } })
    world.open({ configured: [shop] })
    await expect.poll(async () => Object.keys(await statuses())).toHaveLength(4)
    await pool.query(`delete from leases where name = 'github actions retention'`)
    await world.stop()
    world.open({ configured: [shop] })
    await expect.poll(statuses, { timeout: 10_000 }).toEqual({ 3: 'success', 4: 'success' })
  })

  it('go with a repository that nobody has asked for, or that was gone, for as long', async () => {
    const { pool } = world.database
    await pool.query(
      `insert into monitored_repositories (full_name, source, polled_at, lost_at, created_at)
       select name, source, now() - asked * interval '1 day', now() - lost * interval '1 day',
              now() - interval '500 days'
       from (values ('acme/asked', 'read', 450, null::int), ('acme/lately', 'read', 300, null),
                    ('acme/gone', 'webhook', 450, 450), ('acme/hidden', 'webhook', 450, 20))
         as r (name, source, asked, lost)`,
    )
    await pool.query(
      `insert into workflows (id, repository_id, name, path, state, updated_at)
       select id, id, 'CI', 'ci.yml', 'active', now() from monitored_repositories`,
    )
    world.open()
    const names = async () => {
      const { rows } = await pool.query<{ name: string }>(
        `select full_name as name from monitored_repositories where full_name <> '${shop}' order by 1`,
      )
      return rows.map(({ name }) => name)
    }
    await expect.poll(names).toEqual(['acme/hidden', 'acme/lately'])
  })

  it('have what they consist of fetched, also beside one that GitHub does not tell of', async () => {
    for (let id = 1; id <= 12; id++) {
      world.github.actions.putRun(shop, { id, ...ended, created_at: ago((20 - id) * minute) })
    }
    world.github.behave(({ path }) =>
      path.includes('/runs/12/attempts/') ? refusal(422, 'Unprocessable') : undefined,
    )
    world.open({ configured: [shop] })
    const lacking = async () =>
      (await world.runs(shop)).filter((run) => !run.jobs_complete).map(({ id }) => id)
    await expect.poll(async () => (await world.runs(shop)).length).toBe(12)
    await expect.poll(lacking).toEqual([12])
  })

  it('are asked for their jobs again where GitHub says the end of these late', async () => {
    const end = { ...ended, created_at: ago(minute), updated_at: ago(0) }
    const working = jobOf(11, { status: 'in_progress' })
    world.github.actions.putRun(shop, { id: 1, ...end, jobs: { 1: [working] } })
    world.open({ configured: [shop] })
    const first = async () => (await world.runs(shop)).find(({ id }) => id === 1)
    await expect
      .poll(first)
      .toMatchObject({ jobs: [{ steps: ['Set up completed', 'Test in_progress'] }] })
    world.github.actions.putRun(shop, { id: 1, jobs: { 1: [jobOf(11)] } })
    await expect.poll(first).toMatchObject({
      jobs_complete: true,
      jobs: [{ steps: ['Set up completed', 'Test completed'] }],
    })
  })

  it('wait for as long as GitHub’s requests are scarce', async () => {
    old(300)
    world.github.budget.remaining = 2_000
    world.open({ configured: [shop] })
    for (let polls = 0; polls < 3; polls++) await world.polled(shop)
    expect(world.github.seen.filter(({ path }) => path.includes('created='))).toEqual([])
    expect((await world.runs(shop)).every((run) => !run.jobs_complete)).toBe(true)
  })
})
