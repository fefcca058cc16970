// Runs that have not ended are followed: what that costs, and what GitHub may say meanwhile.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusal } from '../support/github/stand-in.ts'
import { ago, createIngestWorld, type IngestWorld, jobOf } from '../support/monitor-ingest.ts'

const shop = 'acme/shop'
const listsJobs = 'actions/list-jobs-for-workflow-run-attempt'
let world: IngestWorld

beforeEach(async () => {
  world = await createIngestWorld()
  world.github.actions.addRepository(shop, { id: 77 })
})
afterEach(() => world.close())

const begin = (id: number) =>
  world.github.actions.putRun(shop, {
    id,
    status: 'in_progress',
    created_at: ago(60_000 - id),
    jobs: { 1: [jobOf(1_000 + id, { status: 'in_progress' })] },
  })
const withJobs = async () =>
  (await world.runs(shop)).filter(({ jobs }) => jobs.length > 0).map(({ id }) => id)

describe('a run at work', () => {
  it('stays where GitHub does not know its jobs yet', async () => {
    begin(1)
    let refused = 0
    world.github.behave(({ operation }) => {
      if (operation !== listsJobs) return
      refused += 1
      return refusal(404, 'Not Found')
    })
    world.open({ configured: [shop] })
    await expect.poll(() => refused, { timeout: 10_000 }).toBeGreaterThan(2)
    expect(await world.runs(shop)).toMatchObject([{ id: 1, status: 'running', jobs: [] }])
    world.github.behave(null)
    await expect.poll(withJobs, { timeout: 10_000 }).toEqual([1])
  })

  it('is followed however many are at work', async () => {
    for (let id = 1; id <= 70; id++) begin(id)
    world.open({ configured: [shop] })
    await expect.poll(async () => (await withJobs()).length, { timeout: 20_000 }).toBe(70)
  })

  it('leaves the last requests of the hour to polls and to people', async () => {
    begin(1)
    world.github.budget.remaining = 450
    world.open({ configured: [shop] })
    for (let polls = 0; polls < 3; polls++) await world.polled(shop)
    expect(world.github.seen.filter(({ operation }) => operation === listsJobs)).toEqual([])
    world.github.actions.putRun(shop, { id: 1, status: 'completed', conclusion: 'success' })
    await expect
      .poll(async () => (await world.runs(shop)).map(({ status }) => status))
      .toEqual(['success'])
  })
})

it('a repository is asked about at once where a workflow of it was started', async () => {
  const names = [shop, 'acme/lib', 'acme/tool']
  for (const name of names.slice(1)) world.github.actions.addRepository(name)
  const { dispatcher } = world.open({ configured: names, pollMs: 60_000 })
  await Promise.all(names.map((name) => world.polled(name)))
  // Also the one whose turn comes last.
  for (const name of names.toReversed()) {
    const { workflows } = world.github.actions.repositories.find(
      ({ full_name: known }) => known === name,
    ) ?? { workflows: [] }
    const dispatch = { workflowId: workflows[0]?.id ?? 0, ref: 'main', inputs: {} }
    await dispatcher?.dispatchWorkflow(name, dispatch, AbortSignal.timeout(10_000))
    await expect.poll(() => world.runs(name), { timeout: 10_000 }).toHaveLength(1)
  }
})
