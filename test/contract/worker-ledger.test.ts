// All that a worker on another machine does to the ledger.
import { randomUUID } from 'node:crypto'
import { mostBlobBytes } from '@slipway/contract/worker-artifacts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NewJob } from '../../packages/server/src/db/unit-of-work.ts'
import { createWorkersApp, type WorkersApp } from '../support/workers-app.ts'

let test: WorkersApp
let token: string
let other: string
let worker: { id: string; token: string }
let thief: { id: string; token: string }
const ended: unknown[] = []
beforeAll(async () => {
  test = await createWorkersApp({
    build: { ended: async (_unit, job, reason) => void ended.push([job.id, reason, job.error]) },
  })
  token = await test.tokenFor(['worker'])
  other = await test.tokenFor(['worker'])
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.database.pool.query('truncate jobs, workers, leases')
  worker = { id: await test.register(token), token }
  thief = { id: worker.id, token: other }
})

const code = (answer: { json<T>(): T }) => answer.json<{ error: { code: string } }>().error.code
const attemptPath = (job: { id: string; attempt: number }) =>
  `/jobs/${job.id}/attempts/${job.attempt}`

/** One job in the worker's hands. */
async function held(over: Partial<NewJob> = {}) {
  await test.queue(over)
  const [job] = await test.claim(worker, { limit: 1, types: [over.type ?? 'task'] })
  if (job === undefined) throw new Error('nothing was claimed')
  return job
}

describe('POST /v1/workers/{id}/claims', () => {
  it('gives jobs with all that a worker needs, those of the first type first', async () => {
    const runId = randomUUID()
    const [task = '', build = ''] = await test.queue(
      { runId, payload: { a: [1, 'x', null] }, timeoutMs: 5_000 },
      { type: 'build', subject: 'builds.1' },
    )
    const jobs = await test.claim(worker, { types: ['build', 'task'] })
    expect(jobs.map(({ id }) => id).toSorted()).toEqual([task, build].toSorted())
    const claimed = jobs.find(({ id }) => id === task)
    expect(claimed).toMatchObject({
      type: 'task',
      subject: `pipeline.tasks.${task}`,
      run_id: runId,
      payload: { a: [1, 'x', null] },
      attempt: 1,
      timeout_ms: 5_000,
    })
    expect(Date.parse(claimed?.deadline_at ?? '')).toBeGreaterThan(Date.now() - 60_000)
    expect(await test.claim(worker)).toEqual([])
  })

  it('gives at most as many as are asked for, and only those that are named', async () => {
    const ids = await test.queue({}, {}, {})
    expect(await test.claim(worker, { limit: 1, only: ids.slice(1) })).toMatchObject([
      { id: expect.not.stringContaining(ids[0] ?? '') },
    ])
    expect(await test.claim(worker, { only: [randomUUID()] })).toEqual([])
    expect(await test.claim(worker, { only: [] })).toEqual([])
    expect(await test.claim(worker)).toHaveLength(2)
  })

  it('gives nothing of other types, and nothing to a worker that was silent for too long', async () => {
    await test.queue({})
    expect(await test.claim(worker, { types: ['build'] })).toEqual([])
    await test.database.pool.query(`update workers set last_seen_at = now() - interval '76 s'`)
    expect(await test.claim(worker)).toEqual([])
  })

  it.each([
    { types: [], limit: 1 },
    { types: ['juggling'], limit: 1 },
    { types: ['task'], limit: 0 },
    { types: ['task'], limit: 1_001 },
    { types: ['task'], limit: 1, only: ['x'] },
    { types: ['task'], limit: 1, only: Array.from({ length: 1_001 }, () => randomUUID()) },
    { types: ['task'] },
  ])('refuses what is not such a claim', async (body) => {
    const answer = await test.as(worker, 'POST', '/claims', body)
    expect([answer.statusCode, code(answer)]).toEqual([400, 'invalid_request'])
  })
})

describe('a stolen worker id', () => {
  it('is of no use with another token, whatever is asked', async () => {
    const job = await held()
    const path = attemptPath(job)
    const body = { attempts: [{ id: job.id, attempt: 1 }], error: 'e' }
    const all = [
      ['POST', '/claims', { types: ['task'], limit: 1 }],
      ['POST', '/outcomes', { outcomes: [{ id: job.id, attempt: 1, state: 'succeeded' }] }],
      ['POST', '/releases', body],
      ['POST', '/returns', { attempts: body.attempts }],
      ['POST', '/queued', { ids: [] }],
      ['GET', '/jobs?type=task', undefined],
      ['GET', '/next-run?type=task', undefined],
      ['GET', '/signals', undefined],
      ['POST', `${path}/rejection`, { error: 'e' }],
      ['POST', `${path}/failure`, { error: 'e' }],
      ['POST', `${path}/expiry`, undefined],
      ['GET', `${path}/repository`, undefined],
      ['POST', `${path}/secrets`, { names: ['A'] }],
      ['POST', `${path}/task`, undefined],
      ['POST', `${path}/report`, { report: { attempt: 1 } }],
      ['POST', `${path}/release`, undefined],
      ['POST', `${path}/deployment`, undefined],
      ['POST', `${path}/build`, undefined],
      ['POST', `${path}/build/registry`, undefined],
      ['POST', `${path}/delegation`, undefined],
      ['POST', `${path}/delegation/configuration`, undefined],
      [
        'POST',
        `${path}/publisher-login`,
        { credential: 'c', by: 'server', use: { kind: 'registry' } },
      ],
      ['POST', `${path}/signature`, { reference: 'r/x', digest: `sha256:${'0'.repeat(64)}` }],
      ['GET', `${path}/manifest?reference=a`, undefined],
      ['POST', '/unfinished-delegations', { delegations: [] }],
    ] as const
    for (const [method, where, sent] of all) {
      const answer = await test.as(thief, method, where, sent)
      expect([answer.statusCode, code(answer)], where).toEqual([403, 'authorization_failed'])
    }
    expect(await test.job(job.id)).toMatchObject({ state: 'running', attempt: 1 })
  })
})

describe('what a worker does not hold', () => {
  it('is refused: another’s attempt, an earlier one, one of another type', async () => {
    const job = await held()
    const second = { id: await test.register(token), token }
    const paths = [
      [second, attemptPath(job)],
      [worker, attemptPath({ ...job, attempt: 2 })],
      [worker, attemptPath({ id: randomUUID(), attempt: 1 })],
    ] as const
    for (const [who, path] of paths) {
      for (const [method, what, body] of [
        ['GET', 'repository', undefined],
        ['POST', 'secrets', { names: ['A'] }],
        ['POST', 'task', undefined],
        ['POST', 'report', { report: { attempt: 1 } }],
      ] as const) {
        const answer = await test.as(who, method, `${path}/${what}`, body)
        expect([answer.statusCode, code(answer)], what).toEqual([409, 'resource_conflict'])
      }
    }
    for (const what of ['build', 'build/registry', 'delegation', 'deployment', 'release']) {
      const answer = await test.as(worker, 'POST', `${attemptPath(job)}/${what}`)
      expect([answer.statusCode, code(answer)], what).toEqual([409, 'resource_conflict'])
    }
  })

  it('is written down where it would have been given a credential', async () => {
    const job = await held()
    const asked = {
      secrets: { names: ['A'] },
      build: undefined,
      'build/registry': undefined,
      'delegation/configuration': undefined,
      'publisher-login': { credential: 'c', by: 'server', use: { kind: 'registry' } },
    }
    for (const [what, body] of Object.entries(asked)) {
      await test.as(worker, 'POST', `${attemptPath(job)}/${what}`, body)
    }
    const answer = await test.request('GET', '/v1/audit?limit=100')
    const { entries } = answer.json<{ entries: { resource: string; outcome: number }[] }>()
    const path = `/v1/workers/${worker.id}${attemptPath(job)}/`
    const written = entries.filter(({ resource }) => resource.startsWith(path))
    expect(written.map(({ resource }) => resource.slice(path.length)).toSorted()).toEqual(
      Object.keys(asked).toSorted(),
    )
  })

  it('may be no blob of more than a registry takes', async () => {
    const payload = { repository: 'acme/shop', project: 'app', artifact: 'image' }
    const job = await held({ type: 'artifact', payload })
    const path = `/v1/workers/${worker.id}${attemptPath(job)}/blobs/sha256:${'0'.repeat(64)}`
    const answer = await test.request('PUT', path, {
      token,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(mostBlobBytes + 1),
      },
      body: Buffer.from('x'),
    })
    expect([answer.statusCode, code(answer)]).toEqual([413, 'payload_too_large'])
  })

  it('is not ended by it', async () => {
    const job = await held()
    const second = { id: await test.register(token), token }
    const outcomes = [{ id: job.id, attempt: 1, state: 'succeeded' }]
    const answer = await test.as(second, 'POST', '/outcomes', { outcomes })
    expect(answer.json()).toEqual({ accepted: [] })
    const failure = await test.as(second, 'POST', `${attemptPath(job)}/failure`, { error: 'e' })
    expect(failure.json()).toEqual({ ended: false })
    expect(await test.job(job.id)).toMatchObject({ state: 'running' })
  })
})

describe('POST /v1/workers/{id}/outcomes', () => {
  it('ends many at once, and answers which; a second time nothing is left to do', async () => {
    await test.queue({}, {}, {})
    const [one, two, three] = await test.claim(worker)
    const outcomes = [
      { id: one?.id, attempt: 1, state: 'succeeded', result: { text: 'ü\u0000', n: [1] } },
      { id: two?.id, attempt: 1, state: 'failed', error: 'no' },
      { id: three?.id, attempt: 2, state: 'succeeded' },
    ]
    const answer = await test.as(worker, 'POST', '/outcomes', { outcomes })
    expect(answer.statusCode).toBe(200)
    const { accepted } = answer.json<{ accepted: string[] }>()
    expect(new Set(accepted)).toEqual(new Set([one?.id, two?.id]))
    expect(await test.job(one?.id ?? '')).toMatchObject({
      state: 'succeeded',
      result: { text: 'ü\ufffd', n: [1] },
    })
    expect(await test.job(two?.id ?? '')).toMatchObject({ state: 'failed', error: 'no' })
    expect(await test.job(three?.id ?? '')).toMatchObject({ state: 'running' })
    const again = await test.as(worker, 'POST', '/outcomes', { outcomes })
    expect(again.json()).toEqual({ accepted: [] })
  })

  it('takes a result of 1 MiB, and none of more', async () => {
    const job = await held()
    const result = 'x'.repeat(1024 * 1024 - 2)
    const outcome = { id: job.id, attempt: 1, state: 'succeeded' }
    const more = await test.as(worker, 'POST', '/outcomes', {
      outcomes: [{ ...outcome, result: `${result}x` }],
    })
    expect([more.statusCode, code(more)]).toEqual([400, 'invalid_request'])
    const answer = await test.as(worker, 'POST', '/outcomes', {
      outcomes: [{ ...outcome, result }],
    })
    expect(answer.json()).toEqual({ accepted: [job.id] })
    expect((await test.job(job.id)).result).toBe(result)
  })

  it.each([
    { outcomes: [] },
    { outcomes: [{ id: 'x', attempt: 1, state: 'succeeded' }] },
    { outcomes: [{ id: randomUUID(), attempt: 0, state: 'succeeded' }] },
    { outcomes: [{ id: randomUUID(), attempt: 1, state: 'cancelled' }] },
    { outcomes: [{ id: randomUUID(), attempt: 1, state: 'failed', error: 'a\u0000' }] },
    {
      outcomes: Array.from({ length: 501 }, () => ({
        id: randomUUID(),
        attempt: 1,
        state: 'failed',
      })),
    },
  ])('refuses what is not such a report', async (body) => {
    const answer = await test.as(worker, 'POST', '/outcomes', body)
    expect([answer.statusCode, code(answer)]).toEqual([400, 'invalid_request'])
  })
})

describe('the end of one attempt', () => {
  it('by a rejection queues the job again after a pause, until no attempt is left', async () => {
    const job = await held({ maxAttempts: 1 })
    const path = `${attemptPath(job)}/rejection`
    const answer = await test.as(worker, 'POST', path, { error: 'why' })
    expect(answer.json()).toEqual({ ended: true, delay_ms: null })
    expect(await test.job(job.id)).toMatchObject({ state: 'dead', error: 'why' })
    const second = await held()
    const again = `${attemptPath(second)}/rejection`
    const paused = await test.as(worker, 'POST', again, { error: 'why' })
    expect(paused.json()).toEqual({ ended: true, delay_ms: 60_000 })
    expect(await test.job(second.id)).toMatchObject({ state: 'queued', attempt: 1 })
    const repeated = await test.as(worker, 'POST', again, { error: 'why' })
    expect(repeated.json()).toEqual({ ended: false, delay_ms: null })
  })

  it('for good tells the room that wants to know', async () => {
    const job = await held({ type: 'build' })
    const body = { error: 'broken', result: { a: 1 } }
    const answer = await test.as(worker, 'POST', `${attemptPath(job)}/failure`, body)
    expect(answer.json()).toEqual({ ended: true })
    expect(await test.job(job.id)).toMatchObject({ state: 'failed', result: { a: 1 } })
    expect(ended).toEqual([[job.id, 'failed', 'broken']])
  })

  it('by its deadline ends the job once that has passed, and not before', async () => {
    const job = await held({ timeoutMs: 60_000 })
    const path = `${attemptPath(job)}/expiry`
    expect((await test.as(worker, 'POST', path)).statusCode).toBe(204)
    expect(await test.job(job.id)).toMatchObject({ state: 'running' })
    await test.database.pool.query(`update jobs set deadline_at = now() - interval '1 s'`)
    expect((await test.as(worker, 'POST', path)).statusCode).toBe(204)
    expect(await test.job(job.id)).toMatchObject({ state: 'failed' })
  })
})

describe('what is given back', () => {
  it('counts as an attempt, unless it is excused or was never begun', async () => {
    await test.queue({}, {}, {})
    const [lost, excused, unbegun] = await test.claim(worker)
    const of = (job?: { id: string }) => [{ id: job?.id, attempt: 1 }]
    const release = (body: object) => test.as(worker, 'POST', '/releases', body)
    expect((await release({ attempts: of(lost), error: 'lost' })).statusCode).toBe(204)
    await release({ attempts: of(excused), error: 'stopped', excused: true })
    await test.as(worker, 'POST', '/returns', { attempts: of(unbegun) })
    const { rows } = await test.database.pool.query<{ id: string; left: number }>(
      'select id, max_attempts - attempt as left from jobs',
    )
    const left = new Map(rows.map((row) => [row.id, row.left]))
    expect([lost, excused, unbegun].map((job) => left.get(job?.id ?? ''))).toEqual([2, 3, 3])
    expect(await test.job(unbegun?.id ?? '')).toMatchObject({ state: 'queued', attempt: 0 })
  })

  it.each([
    [{ attempts: [], error: 'e' }],
    [{ attempts: [{ id: randomUUID(), attempt: 1 }] }],
    [
      {
        attempts: Array.from({ length: 1_001 }, () => ({ id: randomUUID(), attempt: 1 })),
        error: 'e',
      },
    ],
  ])('has to be said as it must be', async (body) => {
    const answer = await test.as(worker, 'POST', '/releases', body)
    expect(answer.statusCode).toBe(400)
  })
})

describe('what is looked up', () => {
  it('is what the worker holds, with what is overdue', async () => {
    const [late, build] = [await held(), await held({ type: 'build' })]
    await test.database.pool.query(
      `update jobs set deadline_at = now() - interval '1 s' where id = $1`,
      [late.id],
    )
    const answer = await test.as(worker, 'GET', '/jobs?type=task&type=build')
    const { jobs } = answer.json<{ jobs: { id: string }[] }>()
    expect(jobs.toSorted((a, b) => (a.id === late.id ? -1 : b.id === late.id ? 1 : 0))).toEqual([
      { id: late.id, attempt: 1, overdue: true },
      { id: build.id, attempt: 1, overdue: false },
    ])
    const one = await test.as(worker, 'GET', '/jobs?type=build')
    expect(one.json()).toEqual({ jobs: [{ id: build.id, attempt: 1, overdue: false }] })
    expect((await test.as(worker, 'GET', '/jobs')).statusCode).toBe(400)
    expect((await test.as(worker, 'GET', '/jobs?type=juggling')).statusCode).toBe(400)
  })

  it('is which jobs wait still, and when the next may begin', async () => {
    expect((await test.as(worker, 'GET', '/next-run?type=task')).json()).toEqual({ ms: null })
    const [waiting = ''] = await test.queue({})
    const taken = await held({ type: 'build' })
    const ids = [waiting, taken.id, randomUUID()]
    const answer = await test.as(worker, 'POST', '/queued', { ids })
    expect(answer.json()).toEqual({ ids: [waiting] })
    const next = await test.as(worker, 'GET', '/next-run?type=task&type=build')
    expect(next.json()).toEqual({ ms: 0 })
  })
})
