// Jobs that GitHub queues: delegated once each, whatever deliveries come, and given up when nobody needs them.
import examples from '@octokit/webhooks-examples' with { type: 'json' }
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { markSilent } from '../../packages/server/src/runners/beat-heart.ts'
import type { StandInJob } from '../support/github/actions-state.ts'
import {
  createQueueWorld,
  jobEvent,
  type QueueWorld,
  repository,
  runnerClass,
} from '../support/runner-queue.ts'

let world: QueueWorld
beforeAll(async () => {
  world = await createQueueWorld([
    runnerClass(),
    runnerClass({ name: 'large', labels: ['linux', 'large', 'ubuntu-latest'] }),
    runnerClass({ name: 'mine', labels: ['mine'], repositories: ['acme/other'] }),
  ])
})
beforeEach(async () => {
  world.github.behave(null)
  world.github.runners.list.length = 0
  for (const { runs } of world.github.actions.repositories) runs.clear()
  await world.empty()
})
afterAll(() => world.close())

const seen = async () =>
  (await world.delegations()).map(({ github_job_id: job, status, reason }) => ({
    job,
    status,
    reason,
  }))
const standInJob = (id: number, more: Partial<StandInJob> = {}): StandInJob => ({
  id,
  name: 'build',
  status: 'queued',
  conclusion: null,
  created_at: '2026-01-02T10:00:00Z',
  started_at: '2026-01-02T10:00:00Z',
  completed_at: null,
  runner_name: null,
  runner_id: null,
  labels: ['self-hosted', 'small'],
  steps: [],
  ...more,
})
/** A run at GitHub with these jobs, in the state that they make. */
function putRun(id: number, jobs: StandInJob[]) {
  const all = (status: string) => jobs.every((job) => job.status === status)
  const status = all('completed') ? 'completed' : all('queued') ? 'queued' : 'in_progress'
  const conclusion = status === 'completed' ? 'success' : null
  world.github.actions.putRun(repository, { id, status, conclusion, jobs: { 1: jobs } })
}

describe('a delivery', () => {
  it('that a job is queued delegates it with all that GitHub said, once', async () => {
    const queued = jobEvent('queued', { id: 1, created_at: '2026-01-02T10:00:00.123Z' })
    expect(await world.deliver(queued)).toBeNull()
    expect(await world.deliver(queued)).toBeNull()
    expect(await world.delegations()).toMatchObject([
      {
        github_job_id: 1,
        job_ref: '1',
        job_name: 'build',
        github_run_id: '1001',
        run_attempt: 1,
        repository,
        workflow: 'CI',
        sha: 'a'.repeat(40),
        ref: 'main',
        actor: 'alice',
        labels: ['self-hosted', 'small'],
        source: 'queue',
        class: 'small',
        status: 'queued',
        reason: null,
        queued_at: new Date('2026-01-02T10:00:00.123Z'),
      },
    ])
  })

  it('of labels that no class has delegates nothing, unless they say self-hosted', async () => {
    const note = await world.deliver(jobEvent('queued', { id: 1, labels: ['windows-latest'] }))
    expect(note).toBe('no workflows are watched')
    expect(await world.deliver(jobEvent('queued', { id: 2, labels: [] }))).not.toBeNull()
    await world.deliver(jobEvent('queued', { id: 3, labels: ['self-hosted', 'gpu'] }))
    await world.deliver(jobEvent('queued', { id: 4, labels: ['self-hosted', 'mine'] }))
    await world.deliver(jobEvent('queued', { id: 5, labels: ['ubuntu-latest'] }))
    expect(await world.delegations()).toMatchObject([
      { github_job_id: 3, class: null, reason: 'No runner class has the labels gpu' },
      {
        github_job_id: 4,
        class: null,
        reason: 'The runner classes with these labels (mine) are not for acme/shop',
      },
      { github_job_id: 5, class: 'large', reason: null },
    ])
    await world.deliver(jobEvent('completed', { id: 3, labels: [], runner_name: 'box' }))
    expect((await seen())[0]).toEqual({
      job: 3,
      status: 'cancelled',
      reason: 'The runner box took the job',
    })
  })

  it('that comes late brings back nothing that has ended', async () => {
    await world.deliver(jobEvent('completed', { id: 1, conclusion: 'cancelled' }))
    await world.deliver(jobEvent('in_progress', { id: 2, runner_name: 'box' }))
    for (const id of [1, 2]) await world.deliver(jobEvent('queued', { id }))
    expect(await seen()).toEqual([])
  })

  it('that a job waits delegates nothing; that it is let go, delegates it', async () => {
    await world.deliver(jobEvent('waiting', { id: 1 }))
    expect(await seen()).toEqual([])
    // As GitHub has been recorded to say it.
    await world.deliver(jobEvent('queued', { id: 1, status: 'waiting' }))
    expect(await seen()).toMatchObject([{ job: 1, status: 'queued' }])
    await world.deliver(jobEvent('waiting', { id: 1 }))
    expect(await seen()).toMatchObject([{ job: 1, status: 'queued' }])
  })

  it('that a job was cancelled before its container started ends the delegation', async () => {
    await world.deliver(jobEvent('queued', { id: 1 }))
    await world.deliver(jobEvent('queued', { id: 2 }))
    await world.dispatch()
    await world.deliver(jobEvent('completed', { id: 1, conclusion: 'cancelled' }))
    expect(await seen()).toEqual([
      { job: 1, status: 'cancelled', reason: 'The job was cancelled at GitHub' },
      { job: 2, status: 'assigned', reason: null },
    ])
    const { rows } = await world.database.pool.query(
      `select state from jobs where type = 'delegation' order by id`,
    )
    expect(rows.map(({ state }) => state as string).toSorted()).toEqual(['cancelled', 'queued'])
  })

  it('of every recorded kind is understood, in any order', async () => {
    const all = examples as unknown as { name: string; examples: object[] }[]
    const recorded = all.find(({ name }) => name === 'workflow_job')?.examples ?? []
    expect(recorded.length).toBeGreaterThan(5)
    for (const order of [recorded, recorded.toReversed()]) {
      await world.empty()
      for (const payload of order) await world.deliver(payload)
      const open = (await world.delegations()).filter(({ status }) => status !== 'cancelled')
      expect(open.map(({ github_job_id: job, status, reason }) => [job, status, reason])).toEqual([
        [12_877_621_891, 'queued', 'No runner class has the labels k8s'],
      ])
      expect(open[0]).toMatchObject({
        repository: 'lineville/elastic-machines-testing',
        workflow: 'Env Test',
        queued_at: new Date('2023-04-19T21:12:12Z'),
      })
    }
  })
})

describe('a runner that takes another job than the one it was made for', () => {
  it('has that one, and whoever waited for it gets the other', async () => {
    await world.deliver(jobEvent('queued', { id: 1, name: 'one' }))
    await world.deliver(jobEvent('queued', { id: 2, name: 'two' }))
    await world.dispatch()
    const [first, second] = await world.delegations()
    const name = await world.register(first!.id)
    await world.run(first!.id)
    await world.deliver(jobEvent('in_progress', { id: 2, name: 'two', runner_name: name }))
    expect(await world.delegations()).toMatchObject([
      { id: first!.id, github_job_id: 2, job_ref: '2', job_name: 'two', status: 'running' },
      { id: second!.id, github_job_id: 1, job_ref: '1', job_name: 'one', status: 'assigned' },
    ])
    await world.deliver(jobEvent('completed', { id: 1, conclusion: 'cancelled' }))
    await world.deliver(jobEvent('completed', { id: 2, runner_name: name }))
    await world.end(first!.id, 'completed')
    expect(await seen()).toMatchObject([
      { job: 2, status: 'completed' },
      { job: 1, status: 'cancelled' },
    ])
  })

  it('leaves its own to a new one where nobody had been delegated', async () => {
    await world.deliver(jobEvent('queued', { id: 1 }))
    await world.dispatch()
    const [first] = await world.delegations()
    const name = await world.register(first!.id)
    await world.run(first!.id)
    await world.deliver(jobEvent('in_progress', { id: 2, runner_name: `${name}-2` }))
    expect(await seen()).toMatchObject([
      { job: 2, status: 'running' },
      { job: 1, status: 'queued' },
    ])
  })

  it('is not stopped although its own job is over, as long as GitHub says that it works', async () => {
    await world.deliver(jobEvent('queued', { id: 1 }))
    await world.dispatch()
    const [first] = await world.delegations()
    const name = await world.register(first!.id)
    await world.run(first!.id)
    putRun(1001, [standInJob(1, { status: 'completed', conclusion: 'cancelled' })])
    const runner = world.github.runners.list[0]!
    Object.assign(runner, { status: 'online', busy: true })
    await world.deliver(jobEvent('completed', { id: 1, conclusion: 'cancelled' }))
    await world.poll()
    expect(await seen()).toMatchObject([{ job: 1, status: 'running' }])
    Object.assign(runner, { busy: false })
    await world.poll()
    expect(await seen()).toEqual([
      { job: 1, status: 'cancelled', reason: 'The job was cancelled at GitHub' },
    ])
    expect(world.github.runners.list.map((one) => one.name)).not.toContain(name)
  })
})

describe('asking GitHub', () => {
  it('delegates what no delivery told of, and costs nothing while nothing changes', async () => {
    putRun(7, [standInJob(1), standInJob(2, { status: 'in_progress', runner_name: 'box' })])
    putRun(8, [standInJob(3, { labels: ['ubuntu-22.04'] }), standInJob(4)])
    await world.poll()
    expect(await world.delegations()).toMatchObject([
      { github_job_id: 1, event_name: 'push', actor: 'octocat', github_run_id: '7' },
      { github_job_id: 4 },
    ])
    const left = world.github.budget.remaining
    await world.poll()
    expect(world.github.budget.remaining).toBe(left)
    expect(await seen()).toHaveLength(2)
  })

  it('gives up what ended unheard, and what is gone', async () => {
    for (const id of [1, 2, 3]) await world.deliver(jobEvent('queued', { id }))
    putRun(1001, [standInJob(1, { status: 'completed', conclusion: 'success' })])
    putRun(1002, [standInJob(2)])
    await world.poll()
    // What GitHub has told of just now its API may not know yet.
    expect((await seen()).map(({ status }) => status)).toEqual(['cancelled', 'queued', 'queued'])
    await world.passTime(6)
    await world.poll()
    expect(await seen()).toEqual([
      { job: 1, status: 'cancelled', reason: 'The job ended at GitHub (success)' },
      { job: 2, status: 'queued', reason: null },
      { job: 3, status: 'cancelled', reason: 'The job ended at GitHub (no conclusion)' },
    ])
  })

  it('makes another runner for a job that still waits when its container has ended', async () => {
    putRun(7, [standInJob(1)])
    await world.poll()
    await world.dispatch()
    const [first] = await world.delegations()
    await world.end(first!.id, 'failed')
    await world.poll()
    expect(await seen()).toMatchObject([{ job: 1, status: 'failed' }])
    await world.passTime(1)
    await world.poll()
    expect(await seen()).toMatchObject([
      { job: 1, status: 'failed' },
      { job: 1, status: 'queued' },
    ])
  })

  it('ends a runner that never reached GitHub, and makes another', async () => {
    putRun(7, [standInJob(1)])
    await world.poll()
    await world.dispatch()
    const [first] = await world.delegations()
    await world.register(first!.id)
    await world.run(first!.id)
    await world.poll()
    expect(await seen()).toMatchObject([{ status: 'running' }])
    await world.passTime(11)
    await world.poll()
    await world.passTime(1)
    await world.poll()
    expect(await seen()).toMatchObject([
      { status: 'failed', reason: 'Its runner took no job within 10 minutes' },
      { status: 'queued', reason: null },
    ])
    expect(world.github.runners.list).toEqual([])
  })
})

describe('GitHub’s list of runners', () => {
  const listed = async () => {
    const { rows } = await world.database.pool.query<{ line: string }>(
      `select concat_ws(' ', type, name, status, labels::text) as line from runners order by name`,
    )
    return rows.map(({ line }) => line)
  }

  it('is that of dedicated ones, but for those that register here', async () => {
    const box = world.github.runners.add(repository, { name: 'box', labels: ['self-hosted', 'x'] })
    world.github.runners.add(repository, { name: 'old', status: 'offline' })
    world.github.runners.add(repository, { name: 'proxy' })
    await world.database.pool.query(
      `insert into runners (id, name, type, status, last_heartbeat, created_at, updated_at)
       values (gen_random_uuid(), 'proxy', 'proxy', 'idle', now(), now(), now())`,
    )
    await world.poll()
    expect(await listed()).toEqual([
      'dedicated box idle {self-hosted,x}',
      'dedicated old offline {self-hosted}',
      'proxy proxy idle {}',
    ])
    Object.assign(box, { busy: true })
    world.github.runners.list.splice(1, 1)
    await world.poll()
    expect(await listed()).toEqual(['dedicated box busy {self-hosted,x}', 'proxy proxy idle {}'])
    Object.assign(box, { status: 'offline', busy: false })
    await world.poll()
    expect(await listed()).toContain('dedicated box offline {self-hosted,x}')
  })

  it('loses runners of ours that are offline and have nothing to do, and no others', async () => {
    for (const id of [1, 2]) await world.deliver(jobEvent('queued', { id }))
    putRun(1001, [standInJob(1)])
    putRun(1002, [standInJob(2)])
    await world.dispatch()
    const [first, second] = await world.delegations()
    const names = [await world.register(first!.id), await world.register(second!.id)]
    world.github.runners.add(repository, {
      name: 'slipway-small-0123456789ab',
      status: 'offline',
      ephemeral: true,
    })
    await world.end(first!.id, 'failed')
    await world.passTime(2)
    await world.poll()
    expect(world.github.runners.list.map(({ name }) => name)).toEqual([
      names[1],
      'slipway-small-0123456789ab',
    ])
    expect(await listed()).not.toContain('slipway-small-0123456789ab')
  })

  it('loses runners of jobs that were delegated by the API likewise', async () => {
    await world.deliver(jobEvent('queued', { id: 1 }))
    await world.dispatch()
    const [one] = await world.delegations()
    await world.register(one!.id)
    await world.database.pool.query(`update delegations set source = 'api'`)
    await world.database.pool.query('delete from queue_jobs')
    await world.end(one!.id, 'failed')
    await world.passTime(2)
    await world.poll()
    expect(world.github.runners.list).toEqual([])
  })

  it('of repositories that are looked at no more is offline after an hour', async () => {
    world.github.runners.add(repository, { name: 'box' })
    await world.poll()
    const silent = `update runners set last_heartbeat = now() - interval '61 minutes'`
    await world.database.pool.query(silent)
    await markSilent(world.deps)
    expect(await listed()).toEqual(['dedicated box offline {self-hosted}'])
    await world.poll()
    expect(await listed()).toEqual(['dedicated box idle {self-hosted}'])
  })
})
