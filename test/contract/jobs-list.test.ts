import { ListDelegatedJobsResponse } from '@slipway/contract/delegations'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRunnersApp, type RunnersApp } from '../support/runners-app.ts'

let test: RunnersApp
/** Oldest first. */
const ids: string[] = []
const day = (number: number, time = '00:00:00') =>
  `2025-06-${String(number).padStart(2, '0')}T${time}.000Z`

beforeAll(async () => {
  test = await createRunnersApp()
  // Three a day, of two repositories, over ten days.
  for (let n = 0; n < 30; n++) {
    const id = await test.delegate({
      repository: n % 3 === 0 ? 'owner/other' : 'owner/repo',
      runId: `run ${n}`,
    })
    ids.push(id)
    const at = day(1 + Math.floor(n / 3), `0${n % 3}:00:00`)
    await test.database.pool.query('update delegations set created_at = $2 where id = $1', [id, at])
  }
  for (const id of ids.slice(0, 6)) await test.report(id, { status: 'running' })
  for (const id of ids.slice(0, 2)) await test.report(id, { status: 'completed' })
})
afterAll(() => test.close())

async function list(query = '', token?: string): Promise<ListDelegatedJobsResponse> {
  const options = token === undefined ? {} : { token }
  const answer = await test.request('GET', `/api/jobs${query}`, options)
  expect(answer.statusCode, answer.body).toBe(200)
  expect(Value.Check(ListDelegatedJobsResponse, answer.json())).toBe(true)
  return answer.json()
}
const idsOf = ({ data }: ListDelegatedJobsResponse) => data.map(({ id }) => id)
const newest = ids
const newestFirst = (which: (n: number) => boolean) =>
  newest.filter((_, n) => which(n)).toReversed()

describe('GET /api/jobs', () => {
  it('shows 20 of all, newest first', async () => {
    const page = await list()
    expect(idsOf(page)).toEqual(newestFirst((n) => n >= 10))
    expect(page.pagination).toEqual({ page: 1, limit: 20, total: 30, totalPages: 2 })
    expect(page.data[0]).toMatchObject({
      id: ids[29],
      githubJobId: 123456,
      repository: 'owner/repo',
      workflow: 'CI/CD Pipeline',
      status: 'queued',
      startedAt: null,
    })
    expect(page).toMatchObject({ success: true, metadata: { version: '0.0.0' } })
  })

  it('answers the document’s example request', async () => {
    const page = await list('?page=1&limit=10&repository=owner/repo&status=running')
    expect(idsOf(page)).toEqual([ids[5], ids[4], ids[2]])
    expect(page.pagination).toEqual({ page: 1, limit: 10, total: 3, totalPages: 1 })
    expect(page.data[0]?.startedAt).toEqual(expect.any(String))
  })

  it('has every job on exactly one page, also with other limits', async () => {
    for (const limit of [1, 7, 100]) {
      const found: string[] = []
      for (let page = 1; ; page++) {
        const { data, pagination } = await list(`?limit=${limit}&page=${page}`)
        expect(pagination).toEqual({
          page,
          limit,
          total: 30,
          totalPages: Math.ceil(30 / limit),
        })
        if (data.length === 0) break
        found.push(...data.map(({ id }) => id))
      }
      expect(found).toEqual(ids.toReversed())
    }
  })

  it.each([
    ['status=completed', (n: number) => n < 2],
    ['status=queued', (n: number) => n >= 6],
    ['status=failed', () => false],
    ['repository=owner/other', (n: number) => n % 3 === 0],
    ['repository=owner/none', () => false],
    ['startDate=2025-06-05', (n: number) => n >= 12],
    ['endDate=2025-06-05', (n: number) => n <= 12],
    [
      `startDate=${day(3, '01:00:00')}&endDate=${day(5, '01:00:00')}`,
      (n: number) => n >= 7 && n <= 13,
    ],
    [`startDate=${day(3, '01:00:00')}&endDate=${day(3, '01:30:00')}`, (n: number) => n === 7],
    [`startDate=${day(2)}&status=running`, (n: number) => n >= 3 && n <= 5],
    ['startDate=2025-06-02T02:00:00%2B02:00&endDate=2025-06-02T00:30', (n: number) => n === 3],
    ['endDate=1999-01-01', () => false],
    ['startDate=2999-01-01', () => false],
  ] as const)('filters by %s', async (query, which) => {
    const page = await list(`?limit=100&${query}`)
    const expected = newestFirst(which)
    expect(idsOf(page)).toEqual(expected)
    expect(page.pagination.total).toBe(expected.length)
    const second = await list(`?limit=2&page=2&${query}`)
    expect(idsOf(second)).toEqual(expected.slice(2, 4))
  })

  it('shows a token limited to repositories theirs alone, and counts no others', async () => {
    const token = await test.tokenFor(['viewer'], { repositories: ['owner/other', 'owner/none'] })
    const page = await list('?limit=4', token)
    expect(idsOf(page)).toEqual(newestFirst((n) => n % 3 === 0).slice(0, 4))
    expect(page.pagination).toEqual({ page: 1, limit: 4, total: 10, totalPages: 3 })
    const both = await test.tokenFor(['viewer'], { repositories: ['owner/other', 'owner/repo'] })
    expect(idsOf(await list('?limit=8&page=2', both))).toEqual(ids.toReversed().slice(8, 16))
    const hidden = await test.request('GET', '/api/jobs?repository=owner/repo', { token })
    expect(hidden.statusCode).toBe(403)
  })

  it.each([
    ['limit=101', '/limit'],
    ['limit=0', '/limit'],
    ['limit=ten', '/limit'],
    ['page=0', '/page'],
    ['page=1.5', '/page'],
    ['status=sleeping', '/status must be one of queued, assigned, running'],
    ['repository=owner', '/repository'],
    ['startDate=yesterday', '/startDate must be an ISO 8601 date'],
    ['endDate=2025-02-30', '/endDate'],
    ['startDate=x&endDate=y', '/startDate must be an ISO 8601 date or date and time; /endDate'],
    ['startDate=2025-06-05&endDate=2025-06-04', '/endDate must not be before startDate'],
    ['colour=red', '/colour'],
  ])('refuses ?%s', async (query, problem) => {
    const answer = await test.request('GET', `/api/jobs?${query}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ success: false, code: 'invalid_request' })
    expect(answer.json().error).toContain(problem)
  })

  it('goes through a page that is far away without reading what is before it', async () => {
    const { pool } = test.database
    await pool.query(`
      insert into delegations (id, job_ref, github_run_id, repository, source, log_key, queued_at,
                               created_by, created_at, updated_at, status, completed_at)
      select gen_random_uuid(), 'j', n::text, 'owner/many', 'api', 'k', now(), 'x',
             timestamptz '2020-01-01' + n * interval '1 hour', now(), 'completed', now()
      from generate_series(1, 20000) n`)
    const last = await list('?repository=owner/many&limit=10&page=2000')
    expect(last.pagination).toEqual({ page: 2000, limit: 10, total: 20_000, totalPages: 2_000 })
    expect(last.data.map(({ runId }) => runId)).toEqual(
      Array.from({ length: 10 }, (_, n) => String(10 - n)),
    )
    await pool.query('analyze delegations')
    const { rows } = await pool.query<{ count: string }>(
      `select sum(count) as count from delegation_counts where repository = 'owner/many'`,
    )
    expect(Number(rows[0]?.count)).toBe(20_000)
  })
})
