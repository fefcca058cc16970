// GitHub Actions are watched by polls: what they cost, what they bring, and what is left when GitHub fails.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Fault, garbage, limits, refusal } from '../support/github/stand-in.ts'
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

const statuses = async (name = shop) =>
  Object.fromEntries((await world.runs(name)).map(({ id, status }) => [id, status]))

describe('a poll', () => {
  it('brings runs, their jobs with steps, and artifacts, and follows what is at work', async () => {
    world.github.actions.putRun(shop, {
      id: 1,
      ...ended,
      created_at: ago(10 * minute),
      jobs: { 1: [jobOf(11), jobOf(12, { name: 'test' })] },
      artifacts: [{ id: 5, name: 'report', size_in_bytes: 9 }],
    })
    world.github.actions.putRun(shop, { id: 2, created_at: ago(1_000) })
    world.open({ configured: [shop] })
    await expect.poll(statuses).toEqual({ 1: 'success', 2: 'pending' })
    await vi.waitFor(async () => {
      const first = (await world.runs(shop)).find(({ id }) => id === 1)
      expect(first).toMatchObject({
        jobs_complete: true,
        artifacts: [{ name: 'report' }],
        jobs: [{ name: 'build', steps: ['Set up completed', 'Test completed'] }, { name: 'test' }],
      })
    })
    expect(await world.repository(shop)).toMatchObject({
      github_id: 77,
      source: 'configured',
      poll_error: null,
      complete_since: new Date(0),
    })

    const working = jobOf(21, { status: 'in_progress' })
    world.github.actions.putRun(shop, { id: 2, status: 'in_progress', jobs: { 1: [working] } })
    const second = async () => (await world.runs(shop)).find(({ id }) => id === 2)
    await expect.poll(second).toMatchObject({
      status: 'running',
      jobs: [{ steps: ['Set up completed', 'Test in_progress'] }],
    })
    world.github.actions.putRun(shop, {
      id: 2,
      status: 'completed',
      conclusion: 'failure',
      updated_at: ago(0),
      jobs: { 1: [jobOf(21, { conclusion: 'failure' })] },
    })
    await expect.poll(second).toMatchObject({ status: 'failure', jobs_complete: true })
    // What was there at the first look is no news.
    const events = await world.events()
    expect(events.filter((type) => type.startsWith('workflow.run'))).toEqual([
      'workflow.run.failed',
    ])
    expect(events).toContain('workflow.job.updated')
  })

  it('is one request for an idle repository, which costs nothing', async () => {
    world.github.actions.putRun(shop, { id: 1, ...ended, created_at: ago(minute) })
    world.open({ configured: [shop] })
    await expect.poll(async () => (await world.runs(shop))[0]?.jobs_complete).toBe(true)
    await world.polled(shop)
    const [before, budget, begun] = [
      world.github.seen.length,
      world.github.budget.remaining,
      Date.now(),
    ]
    for (let polls = 0; polls < 4; polls++) await world.polled(shop)
    const took = Date.now() - begun
    const idle = world.github.seen.slice(before)
    expect(idle.length).toBeGreaterThanOrEqual(4)
    expect(idle.length).toBeLessThanOrEqual(took / 300 + 1)
    for (const request of idle) {
      expect(request.operation).toBe('actions/list-workflow-runs-for-repo')
      expect(request.headers['if-none-match']).toMatch(/^W\//)
      expect(request.status).toBe(304)
    }
    expect(world.github.budget.remaining).toBe(budget)
  })

  it('asks about a run that waits less and less often', async () => {
    world.github.actions.putRun(shop, {
      id: 1,
      status: 'waiting',
      created_at: ago(5 * 3_600_000),
      jobs: { 1: [jobOf(11, { status: 'waiting', steps: [] })] },
    })
    world.open({ configured: [shop] })
    await expect.poll(async () => (await world.runs(shop))[0]?.jobs).toHaveLength(1)
    const before = world.github.seen.length
    for (let polls = 0; polls < 3; polls++) await world.polled(shop)
    const operations = new Set(world.github.seen.slice(before).map(({ operation }) => operation))
    expect(operations).toEqual(new Set(['actions/list-workflow-runs-for-repo']))
  })

  it('finds what became of a run that newer ones have pushed from the page', async () => {
    world.github.actions.putRun(shop, { id: 1, status: 'in_progress', created_at: ago(minute) })
    world.open({ configured: [shop] })
    await expect.poll(statuses).toEqual({ 1: 'running' })
    for (let id = 100; id < 205; id++) {
      world.github.actions.putRun(shop, { id, ...ended, created_at: ago(500) })
    }
    world.github.actions.putRun(shop, { id: 1, ...ended, updated_at: ago(0) })
    await expect.poll(async () => (await statuses())[1], { timeout: 10_000 }).toBe('success')
  })

  it('forgets a run that somebody has deleted', async () => {
    world.github.actions.putRun(shop, { id: 1, status: 'in_progress', created_at: ago(1_000) })
    world.github.actions.putRun(shop, { id: 2, ...ended, created_at: ago(minute) })
    world.open({ configured: [shop] })
    await expect.poll(statuses).toEqual({ 1: 'running', 2: 'success' })
    world.github.actions.repositories[0]?.runs.delete(1)
    await expect.poll(statuses).toEqual({ 2: 'success' })
    const { rows } = await world.database.pool.query('select run_id from newest_workflow_runs')
    expect(rows).toEqual([{ run_id: 2 }])
  })

  it('brings a run that is run again, with what became of it before', async () => {
    const first = { ...ended, conclusion: 'failure', created_at: ago(10 * minute) }
    world.github.actions.putRun(shop, { id: 1, ...first, jobs: { 1: [jobOf(11)] } })
    world.open({ configured: [shop] })
    await expect.poll(async () => (await world.runs(shop))[0]?.jobs_complete).toBe(true)
    await world.stop()
    const earlier = [1, 2].map((run_attempt) => ({
      run_attempt,
      conclusion: 'failure',
      run_started_at: ago(9 * minute),
      updated_at: ago(8 * minute),
    }))
    world.github.actions.putRun(shop, {
      id: 1,
      ...ended,
      run_attempt: 3,
      run_started_at: ago(minute),
      updated_at: ago(0),
      earlier,
      jobs: { 1: [jobOf(11)], 2: [jobOf(12)], 3: [jobOf(13)] },
    })
    world.open({ configured: [shop] })
    await expect
      .poll(() => world.runs(shop))
      .toMatchObject([
        { status: 'success', jobs: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }] },
      ])
    const { rows } = await world.database.pool.query(
      'select attempt, conclusion from workflow_run_attempts order by attempt',
    )
    expect(rows).toEqual([
      { attempt: 1, conclusion: 'failure' },
      { attempt: 2, conclusion: 'failure' },
      { attempt: 3, conclusion: 'success' },
    ])
  })

  it('brings everything of the time when nobody looked', async () => {
    world.github.actions.putRun(shop, { id: 1, ...ended, created_at: ago(minute) })
    world.open({ configured: [shop] })
    await world.polled(shop)
    await world.stop()
    for (let id = 100; id < 450; id++) {
      world.github.actions.putRun(shop, { id, ...ended, created_at: ago(1_000 - id) })
    }
    world.open({ configured: [shop] })
    await expect.poll(async () => (await world.runs(shop)).length, { timeout: 10_000 }).toBe(351)
    expect((await world.repository(shop))?.complete_since).toEqual(new Date(0))
  })

  it('takes nothing back of what the backfill has noted meanwhile', async () => {
    for (let id = 1; id <= 150; id++) {
      world.github.actions.putRun(shop, { id, ...ended, created_at: ago((200 - id) * minute) })
    }
    // Too few for the backfill, for which the test stands in.
    world.github.budget.remaining = 2_000
    world.open({ configured: [shop] })
    await world.polled(shop)
    const noted = new Date('2020-01-01T00:00:00Z')
    const notes: Promise<unknown>[] = []
    world.github.behave(() => {
      const text = 'update monitored_repositories set complete_since = $1'
      if (notes.length === 0) notes.push(world.database.pool.query(text, [noted]))
      return undefined
    })
    world.github.actions.putRun(shop, { id: 151, created_at: ago(0) })
    await expect.poll(async () => (await world.runs(shop))[0]?.id).toBe(151)
    await Promise.all(notes)
    expect((await world.repository(shop))?.complete_since).toEqual(noted)
  })
})

describe('a repository', () => {
  it('is followed to its new name, and another one gets its old name', async () => {
    world.github.actions.putRun(shop, { id: 1, ...ended, created_at: ago(minute) })
    world.open({ configured: [shop] })
    await expect.poll(statuses).toEqual({ 1: 'success' })
    world.github.actions.rename(shop, 'acme/store')
    world.github.actions.putRun('acme/store', { id: 2, created_at: ago(0) })
    await expect.poll(() => statuses('acme/store')).toEqual({ 1: 'success', 2: 'pending' })
    expect(await world.repository(shop)).toBeUndefined()
    expect(await world.repository('acme/store')).toMatchObject({ github_id: 77, lost_at: null })
    await world.polled('acme/store')
    expect(world.github.seen.at(-1)?.path).toContain('/repos/acme/store/')

    // The setting still says the old name.
    await world.stop()
    world.open({ configured: [shop] })
    await world.polled('acme/store')
    expect(await world.repository('acme/store')).toMatchObject({ source: 'configured' })
    expect(await world.repository(shop)).toBeUndefined()

    world.github.actions.addRepository(shop, { id: 78 })
    world.github.actions.putRun(shop, { id: 3, created_at: ago(0) })
    await world.stop()
    world.open({ configured: [shop, 'acme/store'] })
    await expect.poll(() => statuses()).toEqual({ 3: 'pending' })
    expect(await world.repository(shop)).toMatchObject({ github_id: 78 })
    expect(await statuses('acme/store')).toEqual({ 1: 'success', 2: 'pending' })
  })

  it('never shows what another one of its name has done', async () => {
    world.github.actions.putRun(shop, { id: 1, ...ended, created_at: ago(minute) })
    world.open({ configured: [shop] })
    await expect.poll(statuses).toEqual({ 1: 'success' })
    world.github.actions.remove(shop)
    world.github.actions.addRepository(shop, { id: 78 })
    world.github.actions.putRun(shop, { id: 2, created_at: ago(0) })
    await expect.poll(() => statuses()).toEqual({ 2: 'pending' })
    expect(await world.repository(`${shop}~77`)).toMatchObject({ lost_at: expect.any(Date) })
  })

  it('never shows what another one of its name has done, also before it has done anything', async () => {
    world.github.actions.putRun(shop, { id: 1, ...ended, created_at: ago(minute) })
    world.open({ configured: [shop] })
    await expect.poll(statuses).toEqual({ 1: 'success' })
    world.github.actions.remove(shop)
    world.github.actions.addRepository(shop, { id: 78 })
    await expect.poll(() => world.repository(shop)).toMatchObject({ github_id: 78, lost_at: null })
    expect(await statuses()).toEqual({})
    expect(await world.repository(`${shop}~77`)).toMatchObject({ lost_at: expect.any(Date) })
  })

  it('is lost when GitHub does not know it any more, and keeps what it had', async () => {
    world.github.actions.addRepository('acme/lib')
    world.github.actions.putRun(shop, { id: 1, ...ended, created_at: ago(minute) })
    world.open({ configured: [shop, 'acme/lib'] })
    await expect.poll(statuses).toEqual({ 1: 'success' })
    world.github.unknown.add(shop)
    await expect
      .poll(() => world.repository(shop))
      .toMatchObject({
        lost_at: expect.any(Date),
        poll_error: expect.stringContaining('404'),
      })
    expect(await statuses()).toEqual({ 1: 'success' })
    const requests = () => world.github.seen.filter(({ repository }) => repository === shop).length
    const before = requests()
    for (let polls = 0; polls < 3; polls++) await world.polled('acme/lib')
    expect(requests()).toBe(before)
    world.github.unknown.clear()
    await world.stop()
    world.open({ configured: [shop] })
    await expect
      .poll(() => world.repository(shop))
      .toMatchObject({ lost_at: null, poll_error: null })
  })

  it('is found by itself where it has a workflow', async () => {
    world.github.actions.addRepository('acme/notes', { workflows: [] })
    world.github.actions.putRun(shop, { id: 1, created_at: ago(minute) })
    world.open()
    await expect.poll(statuses).toEqual({ 1: 'pending' })
    expect(await world.repository(shop)).toMatchObject({
      source: 'detected',
      default_branch: 'main',
    })
    expect(await world.repository('acme/notes')).toBeUndefined()
  })

  it('is none of ours where the setting names others, or none', async () => {
    world.github.actions.addRepository('acme/lib')
    world.open({ configured: ['ACME/lib'] })
    await expect.poll(() => world.repository('acme/lib')).toMatchObject({ source: 'configured' })
    await world.stop()
    world.open({ configured: [] })
    await expect.poll(() => world.repository('acme/lib')).toMatchObject({ source: 'read' })
    expect(await world.repository(shop)).toBeUndefined()
  })
})

describe('a GitHub that fails', () => {
  const faults: [string, Fault, string][] = [
    ['hangs up', { kind: 'hang up' }, "can't be reached"],
    ['never answers', { kind: 'never answer' }, 'timeout'],
    ['fails', refusal(500, 'Server Error'), '500'],
    ['answers garbage', garbage, 'no list'],
    [
      'answers half a page',
      { kind: 'answer', status: 200, body: '{"total_count": 1, "workflow_runs": [{"id": 9' },
      'no list',
    ],
    [
      'answers nonsense',
      {
        kind: 'answer',
        status: 200,
        body: '{"total_count": 1, "workflow_runs": [{"id": 9, "status": "queued"}]}',
      },
      'without its parts',
    ],
    ['lets us do nothing', refusal(403, 'Resource not accessible'), '403'],
    ['does not know our token', refusal(401, 'Bad credentials'), '401'],
    ['has had too many requests', limits.secondary(30), '429'],
    ['has no requests left for us', limits.primary(30), '403'],
  ]
  it.each(faults)('and %s changes nothing that is stored, and is noted', async (_, fault, why) => {
    world.github.actions.putRun(shop, { id: 1, ...ended, created_at: ago(minute) })
    world.open({ configured: [shop] })
    await expect.poll(async () => (await world.runs(shop))[0]?.jobs_complete).toBe(true)
    await world.stop()
    const before = await world.runs(shop)
    world.github.actions.putRun(shop, { id: 2, created_at: ago(0) })
    world.github.behave(() => fault)
    world.open({ configured: [shop] })
    const error = async () => (await world.repository(shop))?.poll_error
    await expect.poll(error, { timeout: 15_000 }).toContain(why)
    expect(await error()).not.toContain('ghp_')
    expect(await world.runs(shop)).toEqual(before)
    expect((await world.repository(shop))?.lost_at).toBeNull()
    await world.stop()
    world.github.behave(null)
    world.open({ configured: [shop] })
    await expect.poll(statuses, { timeout: 10_000 }).toEqual({ 1: 'success', 2: 'pending' })
    expect(await error()).toBeNull()
  })

  it('is asked nothing until its limit has passed', async () => {
    world.open({ configured: [shop] })
    await world.polled(shop)
    world.github.behave(() => limits.secondary(2))
    const error = async () => (await world.repository(shop))?.poll_error
    await expect.poll(error).toContain('429')
    const [before, since] = [world.github.seen.length, Date.now()]
    world.github.behave(null)
    await expect.poll(() => world.github.seen.length, { timeout: 10_000 }).toBeGreaterThan(before)
    expect(Date.now() - since).toBeGreaterThan(1_500)
    await expect.poll(error).toBeNull()
  })

  it('holds up one repository only', async () => {
    world.github.actions.addRepository('acme/slow')
    world.github.behave(({ repository }) =>
      repository === 'acme/slow' ? { kind: 'never answer' } : undefined,
    )
    world.open({ configured: ['acme/slow', shop] })
    for (let polls = 0; polls < 3; polls++) await world.polled(shop)
    expect((await world.repository('acme/slow'))?.polled_at).toBeNull()
  })
})
