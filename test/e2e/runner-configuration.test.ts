// Runners for one job: how GitHub is asked for them, and what becomes of jobs while it gives none.
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AppError } from '../../packages/server/src/errors.ts'
import { type Fault, limits, refusal } from '../support/github/stand-in.ts'
import {
  createQueueWorld,
  jobEvent,
  type QueueWorld,
  repository,
  token,
} from '../support/runner-queue.ts'

const never = new AbortController().signal
const generate = 'actions/generate-runner-jitconfig-for-repo'
let world: QueueWorld
beforeEach(async () => {
  world = await createQueueWorld()
})
afterEach(() => world.close())

const ask = (name = 'slipway-small-0123456789ab') =>
  world.request({ delegationId: 'x', repository, name, labels: ['linux', 'small'] }, never)
const failureOf = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(AppError)
  return error as AppError
}
/** What GitHub does instead of registering a runner. */
const atRegistration = (fault: Fault, times = Infinity) => {
  let left = times
  world.github.behave(({ operation }) => (operation === generate && left-- > 0 ? fault : undefined))
}
const seen = async () =>
  (await world.delegations()).map(({ status, reason }) => ({ status, reason }))

it('registers a runner with the labels of its class, and keeps its configuration nowhere', async () => {
  await world.deliver(jobEvent('queued', { id: 1 }))
  await world.dispatch()
  const [one] = await world.delegations()
  const name = await world.register(one!.id)
  const [runner] = world.github.runners.list
  expect(runner).toMatchObject({ name, labels: ['self-hosted', 'linux', 'small'] })
  const encoded = world.github.runners.configurations.get(name) ?? ''
  expect(encoded.length).toBeGreaterThan(100)
  const tables = ['delegations', 'runners', 'queue_jobs', 'jobs', 'events', 'runner_problems']
  for (const table of tables) {
    const { rows } = await world.database.pool.query(`select * from ${table}`)
    expect(JSON.stringify(rows)).not.toContain(encoded)
  }
})

it('registers one anew where the answer was lost, or an earlier attempt left one', async () => {
  atRegistration({ kind: 'lose the answer' }, 1)
  const { encodedConfiguration, githubId } = await ask()
  expect(world.github.runners.list).toMatchObject([{ id: githubId }])
  const again = await ask()
  expect(world.github.runners.list).toMatchObject([{ id: again.githubId }])
  expect(again.encodedConfiguration).not.toBe(encodedConfiguration)
  Object.assign(world.github.runners.list[0]!, { status: 'online', busy: true })
  const { code, message } = await failureOf(ask())
  expect([code, message]).toEqual([
    'unavailable',
    expect.stringContaining('works on a job already'),
  ])
})

const refusals: [string, Fault, string, RegExp][] = [
  [
    'a token without rights',
    refusal(403, 'Resource not accessible by integration'),
    'unavailable',
    /permission Administration \(write\)/,
  ],
  ['an App that is not installed', refusal(404, 'Not Found'), 'unavailable', /install its App/],
  ['a limit', limits.secondary(90), 'unavailable', /takes no more requests/],
  ['GitHub being away', refusal(503, 'Unavailable'), 'unavailable', /does not answer/],
  ['what GitHub will not do', refusal(422, 'Invalid label'), 'invalid_request', /labels/],
]
it.each(refusals)('because of %s, jobs wait, and say why', async (_, fault, code, words) => {
  for (const id of [1, 2]) await world.deliver(jobEvent('queued', { id }))
  atRegistration(fault)
  const failure = await failureOf(ask())
  expect([failure.code, failure.message]).toEqual([code, expect.stringMatching(words)])
  expect(`${failure.message} ${JSON.stringify(failure.details)}`).not.toContain(token)
  const waiting = { status: 'queued', reason: failure.message }
  expect(await seen()).toEqual([waiting, waiting])
  await world.dispatch()
  await world.deliver(jobEvent('queued', { id: 3 }))
  expect(await seen()).toEqual([waiting, waiting, waiting])
  await world.passTime(2)
  world.github.behave(null)
  await world.database.pool.query(`update runner_problems set until = now() - interval '1 s'`)
  // One of them tries first.
  for (let n = 0; n < 2; n++) await world.dispatch()
  expect((await seen()).map(({ status }) => status)).toEqual(['assigned', 'queued', 'queued'])
  const [first] = await world.delegations()
  world.reconnect()
  await world.register(first!.id)
  await world.dispatch()
  expect(await seen()).toEqual(Array(3).fill({ status: 'assigned', reason: null }))
})

it('waits longer with each refusal, and no longer once GitHub does it again', async () => {
  await world.deliver(jobEvent('queued', { id: 1 }))
  const waits = async () => {
    const { rows } = await world.database.pool.query<{ seconds: number; failures: number }>(
      `select round(extract(epoch from until - now()))::int as seconds, failures from runner_problems`,
    )
    return rows
  }
  atRegistration(refusal(403, 'Forbidden'))
  const found: number[] = []
  for (let failures = 1; failures <= 8; failures++) {
    await failureOf(ask())
    const [row] = await waits()
    expect(row?.failures).toBe(failures)
    found.push(Math.round((row?.seconds ?? 0) / 15))
    // Another one that fails meanwhile does not count.
    await failureOf(ask())
    expect(await waits()).toEqual([row])
    await world.database.pool.query('update runner_problems set until = now()')
  }
  expect(found).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
  world.github.behave(null)
  await ask()
  expect(await waits()).toEqual([])
  expect(await seen()).toEqual([{ status: 'queued', reason: null }])
})
