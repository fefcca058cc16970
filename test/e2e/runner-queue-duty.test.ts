// Whoever keeps GitHub's queue: each repository by itself, from one server at a time, and within the budget.
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startKeepingQueue } from '../../packages/server/src/runners/github/keep-queue.ts'
import type { Duty } from '../../packages/server/src/duties/index.ts'
import type { QueueDeps } from '../../packages/server/src/runners/github/deps.ts'
import { refusal } from '../support/github/stand-in.ts'
import { jobOf } from '../support/monitor-ingest.ts'
import {
  createQueueWorld,
  type QueueWorld,
  repository,
  runnerClass,
} from '../support/runner-queue.ts'

const other = 'acme/lib'
let world: QueueWorld
let duties: Duty[]
beforeEach(async () => {
  world = await createQueueWorld([runnerClass({ repositories: [repository, 'acme/*'] })])
  world.github.actions.addRepository(other)
  duties = []
})
afterEach(async () => {
  await Promise.all(duties.map((duty) => duty.close()))
  await world.close()
})

function start(more: Partial<QueueDeps> = {}): Duty {
  const deps = {
    ...world.deps,
    holder: randomUUID(),
    listRepositories: async () => [other],
    ...more,
  }
  const duty = startKeepingQueue(deps)
  duties.push(duty)
  return duty
}
function queue(name: string, id: number) {
  const waiting = { status: 'queued', conclusion: null, completed_at: null, runner_name: null }
  const jobs = { 1: [jobOf(id, { ...waiting, labels: ['self-hosted', 'small'] })] }
  world.github.actions.putRun(name, { id: id + 100, jobs })
}
const delegated = async () =>
  (await world.delegations()).map(({ github_job_id: id }) => Number(id)).toSorted((a, b) => a - b)
const soon = { timeout: 15_000 }

it('serves every repository, although GitHub answers for one badly or not at all', async () => {
  for (const fault of [{ kind: 'never answer' } as const, refusal(403, 'Forbidden')]) {
    await world.empty()
    queue(repository, 1)
    queue(other, 2)
    world.github.behave((request) => (request.repository === repository ? fault : undefined))
    const duty = start()
    await expect.poll(delegated, soon).toEqual([2])
    world.github.behave(null)
    await expect.poll(delegated, soon).toEqual([1, 2])
    await duty.close()
  }
})

it('has jobs say why they wait where it may not register runners, before one is tried', async () => {
  queue(repository, 1)
  const runners = 'actions/list-self-hosted-runners-for-repo'
  world.github.behave(({ operation }) =>
    operation === runners ? refusal(403, 'Resource not accessible by integration') : undefined,
  )
  start()
  const reasons = async () => (await world.delegations()).map(({ reason }) => reason)
  await expect.poll(reasons, soon).toEqual([expect.stringContaining('Administration (write)')])
  await world.dispatch()
  expect((await world.delegations()).map(({ status }) => status)).toEqual(['queued'])
  world.github.behave(null)
  await expect.poll(reasons, soon).toEqual([null])
  await world.dispatch()
  expect((await world.delegations()).map(({ status }) => status)).toEqual(['assigned'])
})

it('is kept by one server, and by the next when that one is gone', async () => {
  queue(repository, 1)
  const first = start()
  await expect.poll(delegated, soon).toEqual([1])
  const second = start()
  queue(repository, 3)
  await expect.poll(delegated, soon).toEqual([1, 3])
  expect([first.held, second.held]).toEqual([true, false])
  await first.close()
  queue(repository, 4)
  await expect.poll(delegated, { timeout: 30_000 }).toEqual([1, 3, 4])
})

it('leaves a share of the budget to others', async () => {
  let remaining = 100
  const budget = () => ({ limit: 1_000, remaining, resetAt: new Date(Date.now() + 3_600_000) })
  queue(repository, 1)
  start({ budget })
  const asked = async () => {
    const { rows } = await world.database.pool.query('select 1 from leases')
    return rows.length
  }
  await expect.poll(asked, soon).toBe(1)
  expect(world.github.seen).toEqual([])
  remaining = 500
  await expect.poll(delegated, soon).toEqual([1])
})

it('forgets jobs that ended days ago', async () => {
  await world.database.pool.query(
    `insert into queue_jobs
       (github_job_id, repository, github_run_id, run_attempt, name, workflow, sha, branch, event_name,
        actor, labels, state, queued_at, updated_at)
     select n, '${repository}', '1', 1, 'build', '', '', '', '', '', '{self-hosted}', 'completed', now(),
            now() - make_interval(days => n) from generate_series(1, 10) n`,
  )
  start()
  const left = async () => {
    const { rows } = await world.database.pool.query<{ id: number }>(
      'select github_job_id::int as id from queue_jobs order by 1',
    )
    return rows.map(({ id }) => id)
  }
  await expect.poll(left, soon).toEqual([1, 2, 3, 4, 5, 6])
})
