// Whatever deliveries are lost, doubled or late, and whoever GitHub gives a job to: in the end every job that
// GitHub queued has been run, and nothing is left that waits for one or runs for none.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { StandInJob } from '../support/github/actions-state.ts'
import { createQueueWorld, jobEvent, type QueueWorld, repository } from '../support/runner-queue.ts'

let world: QueueWorld
beforeAll(async () => {
  world = await createQueueWorld()
})
afterAll(() => world.close())

/** What happens next; `pick` chooses among those that it may happen to. */
const step = fc.record({
  kind: fc.constantFrom(
    'a job is queued',
    'a job is queued, and heard of',
    'a job is queued, and heard of',
    'a runner is made',
    'a runner is made',
    'a job is cancelled',
    'somebody else takes a job',
    'jobs are dispatched',
    'a runner is registered',
    'a runner starts',
    'a container dies',
    'a job ends',
    'a delivery comes',
    'a delivery comes',
    'a delivery comes twice',
    'a delivery is lost',
    'GitHub is asked',
  ),
  pick: fc.nat(),
})
type Step = { kind: string; pick: number }
type Action = Parameters<typeof jobEvent>[0]

/** GitHub, as far as it gives jobs to runners. */
function createPlay(seed: number) {
  const { github } = world
  const jobs = new Map<number, StandInJob>()
  const pending: object[] = []
  /** By delegation: the names of runners that were registered. */
  const registered = new Map<string, string>()
  const running = new Map<string, string>()
  let ids = seed

  const tell = (action: Action, job: StandInJob) =>
    void pending.push(
      jobEvent(action, {
        ...job,
        run_id: job.id + 1_000_000,
        status: job.status,
      }),
    )
  const put = (job: StandInJob) => {
    jobs.set(job.id, job)
    github.actions.putRun(repository, {
      id: job.id + 1_000_000,
      status: job.status,
      conclusion: job.conclusion,
      jobs: { 1: [job] },
    })
    tell(job.status as Action, job)
  }
  const inState = (status: string) => [...jobs.values()].filter((job) => job.status === status)
  const runnerCalled = (name: string) => github.runners.list.find((one) => one.name === name)
  /** An online runner that has nothing to do gets any job that waits. */
  const give = (pick: number) => {
    for (const runner of github.runners.list) {
      if (runner.status !== 'online' || runner.busy) continue
      const waiting = inState('queued')
      const job = waiting[pick % Math.max(1, waiting.length)]
      if (job === undefined) return
      runner.busy = true
      put({ ...job, status: 'in_progress', runner_name: runner.name, runner_id: runner.id })
    }
  }
  const choose = <T>(from: readonly T[], pick: number): T | undefined =>
    from[pick % Math.max(1, from.length)]
  const idsOf = async (status: string) =>
    (await world.delegations()).filter((one) => one.status === status).map(({ id }) => id)
  const remove = (name: string) => {
    const runner = runnerCalled(name)
    if (runner !== undefined) github.runners.list.splice(github.runners.list.indexOf(runner), 1)
  }
  /** Containers of delegations that have ended are stopped. */
  const stopEnded = async () => {
    const live = new Set([...(await idsOf('assigned')), ...(await idsOf('running'))])
    for (const id of running.keys()) if (!live.has(id)) running.delete(id)
  }
  const finish = async (job: StandInJob) => {
    const name = job.runner_name ?? ''
    put({
      ...job,
      status: 'completed',
      conclusion: 'success',
      completed_at: '2026-01-02T10:04:00Z',
    })
    remove(name)
    for (const [id, own] of running) {
      if (own !== name) continue
      running.delete(id)
      await world.end(id, 'completed')
    }
  }

  const acts: Record<string, (pick: number) => Promise<unknown> | void> = {
    'a job is queued'(pick) {
      put({
        id: ++ids,
        name: `job ${ids}`,
        status: 'queued',
        conclusion: null,
        created_at: '2026-01-02T10:00:00Z',
        started_at: '2026-01-02T10:00:00Z',
        completed_at: null,
        runner_name: null,
        runner_id: null,
        labels: ['self-hosted', 'small'],
        steps: [],
      })
      give(pick)
    },
    async 'a job is queued, and heard of'(pick) {
      await acts['a job is queued']?.(pick)
      const delivery = pending.pop()
      if (delivery !== undefined) await world.deliver(delivery)
    },
    async 'a runner is made'(pick) {
      await acts['jobs are dispatched']?.(pick)
      await acts['a runner is registered']?.(pick)
      await acts['a runner starts']?.(pick)
    },
    'a job is cancelled'(pick) {
      const job = choose(inState('queued'), pick)
      if (job !== undefined) put({ ...job, status: 'completed', conclusion: 'cancelled' })
    },
    'somebody else takes a job'(pick) {
      const job = choose(inState('queued'), pick)
      if (job !== undefined) put({ ...job, status: 'in_progress', runner_name: 'box' })
    },
    'jobs are dispatched': () => world.dispatch(),
    async 'a runner is registered'(pick) {
      const id = choose(
        (await idsOf('assigned')).filter((one) => !registered.has(one)),
        pick,
      )
      if (id !== undefined) registered.set(id, await world.register(id))
    },
    async 'a runner starts'(pick) {
      const ready = (await idsOf('assigned')).filter((one) => registered.has(one))
      const id = choose(ready, pick)
      if (id === undefined) return
      await world.run(id)
      const name = registered.get(id) ?? ''
      running.set(id, name)
      Object.assign(runnerCalled(name) ?? {}, { status: 'online' })
      give(pick)
    },
    async 'a container dies'(pick) {
      const idle = [...running].filter(([, name]) => runnerCalled(name)?.busy === false)
      const died = choose(idle, pick)
      if (died === undefined) return
      running.delete(died[0])
      Object.assign(runnerCalled(died[1]) ?? {}, { status: 'offline' })
      await world.end(died[0], 'failed')
    },
    async 'a job ends'(pick) {
      const job = choose(inState('in_progress'), pick)
      if (job !== undefined) await finish(job)
    },
    async 'a delivery comes'(pick) {
      const [delivery] = pending.splice(pick % Math.max(1, pending.length), 1)
      if (delivery !== undefined) await world.deliver(delivery)
    },
    async 'a delivery comes twice'(pick) {
      const delivery = choose(pending, pick)
      if (delivery !== undefined) await world.deliver(delivery)
    },
    'a delivery is lost'(pick) {
      pending.splice(pick % Math.max(1, pending.length), 1)
    },
    'GitHub is asked': () => world.poll(),
  }
  return {
    jobs,
    async act({ kind, pick }: Step) {
      await acts[kind]?.(pick)
      await stopEnded()
    },
    pendingCount: () => pending.length,
    inState,
    liveIds: async () => [
      ...(await idsOf('queued')),
      ...(await idsOf('assigned')),
      ...(await idsOf('running')),
    ],
  }
}

/** Whatever is known of a job whose runner was ours: the delegation of that runner is the job's. */
async function expectRightJobs() {
  const { rows } = await world.database.pool.query<{ id: number; name: string; state: string }>(
    `select github_job_id::int as id, runner_name as name, state from queue_jobs
     where runner_name like 'slipway-%'`,
  )
  const delegations = await world.delegations()
  for (const { id, name, state } of rows) {
    expect(state).toBe('completed')
    const own = delegations.find(({ definition }) => definition.run?.runnerName === name)
    expect(own).toMatchObject({ github_job_id: id, status: 'completed' })
  }
}

it('ends in the truth', async () => {
  let seed = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.boolean(),
      async (steps, losesRest) => {
        await world.empty()
        world.github.runners.list.length = 0
        for (const { runs } of world.github.actions.repositories) runs.clear()
        const play = createPlay((seed += 1_000))
        const act = (kind: string, pick = 0) => play.act({ kind, pick })
        for (const one of steps) await play.act(one)
        while (play.pendingCount() > 0) {
          await act(losesRest ? 'a delivery is lost' : 'a delivery comes', play.pendingCount() - 1)
        }
        const isOver = async () =>
          play.inState('completed').length === play.jobs.size && (await play.liveIds()).length === 0
        for (let round = 0; round < 12 && !(await isOver()); round++) {
          await world.passTime(5)
          await act('GitHub is asked')
          await act('jobs are dispatched')
          for (const _ of await play.liveIds()) {
            await act('a runner is registered')
            await act('a runner starts')
          }
          for (const _ of play.inState('in_progress')) await act('a job ends')
        }
        await world.passTime(5)
        await act('GitHub is asked')
        expect(play.inState('queued')).toEqual([])
        expect(await play.liveIds()).toEqual([])
        expect(world.github.runners.list).toEqual([])
        await expectRightJobs()
      },
    ),
    { numRuns: 40 },
  )
}, 300_000)
