import type { Build, ListBuildsResponse } from '@slipway/contract/builds'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type BuildsApp,
  createBuildsApp,
  runsPath,
  someImage,
  storeZip,
} from '../support/builds-app.ts'

let test: BuildsApp
/** Oldest first: two completed (the first of acme/shop), a failed and a pending one. */
const ids: number[] = []
let shop: number
beforeAll(async () => {
  test = await createBuildsApp()
  shop = await test.repository('acme/shop')
  const zip = await test.built({ git_repository_id: shop }, async (attempt) => {
    const writer = await test.builds.logs.open(attempt.logKey, { secrets: [] })
    await writer.note('[2024-01-08T10:00:00.000Z] Starting pipeline execution...')
    await writer.seal()
    return [await storeZip(test, attempt, Buffer.from('zip'))]
  })
  const both = await test.built(
    { steps_to_execute: ['clone_repo', 'create_zip', 'build_image'], output_type: 'both' },
    async (attempt) => [await storeZip(test, attempt, Buffer.from('zip')), someImage()],
  )
  const failed = await test.create()
  await test.request('POST', `${runsPath}/${failed.id}/cancel`)
  const pending = await test.create()
  ids.push(zip.id, both.id, failed.id, pending.id)
})
afterAll(() => test.close())

async function list(query = '', token?: string): Promise<ListBuildsResponse> {
  const answer = await test.request(
    'GET',
    `${runsPath}${query}`,
    token === undefined ? {} : { token },
  )
  expect(answer.statusCode, answer.body).toBe(200)
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  return answer.json()
}
const idsOf = ({ runs }: ListBuildsResponse) => runs.map(({ id }) => id)
const newestFirst = () => ids.toReversed()
const get = async (url: string, token?: string) =>
  test.request('GET', url, token === undefined ? {} : { token })

describe('GET /api/pipelines/runs', () => {
  it('lists them as the document shows them, newest first', async () => {
    const listed = await list()
    expect(listed).toMatchObject({ success: true, count: 4, total: 4 })
    expect(idsOf(listed)).toEqual(newestFirst())
    const oldest = listed.runs.at(-1)
    expect(oldest).toEqual(await test.show(ids[0] ?? 0))
    expect(oldest).toMatchObject({
      status: 'completed',
      git_repository_id: shop,
      repository_info: { id: shop, name: 'acme/shop', type: 'ssh', is_verified: true },
      logs:
        'Pipeline run created. Waiting for execution.\n' +
        '[2024-01-08T10:00:00.000Z] Starting pipeline execution...\n',
      build_outputs: [{ output_type: 'zip', file_size_bytes: 3 }],
    })
  })

  it('takes status, limit and offset', async () => {
    expect(idsOf(await list('?status=completed'))).toEqual([ids[1], ids[0]])
    expect(await list('?status=running')).toMatchObject({ runs: [], count: 0, total: 0 })
    const page = await list('?limit=2&offset=1')
    expect(idsOf(page)).toEqual([ids[2], ids[1]])
    expect(page).toMatchObject({ count: 2, total: 4 })
    expect(await list('?offset=9')).toMatchObject({ runs: [], count: 0, total: 4 })
    expect(idsOf(await list('?status=completed&limit=1&offset=1'))).toEqual([ids[0]])
  })

  it.each(['status=done', 'limit=0', 'limit=x', 'offset=-1', 'page=2'])(
    'refuses %s',
    async (query) => {
      const answer = await get(`${runsPath}?${query}`)
      expect([answer.statusCode, answer.json().error]).toEqual([400, 'Validation error'])
    },
  )

  it('shows a limited token those of its repositories', async () => {
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/shop'] })
    expect(await list('', token)).toMatchObject({ runs: [{ id: ids[0] }], count: 1, total: 1 })
    expect((await get(`${runsPath}/${ids[0]}`, token)).statusCode).toBe(200)
    const hidden = await get(`${runsPath}/${ids[1]}`, token)
    expect([hidden.statusCode, hidden.json()]).toEqual([
      404,
      { error: 'Resource not found', message: `There is no pipeline run ${ids[1]}` },
    ])
  })

  it('sends all of a long list, a batch after the other', async () => {
    const long = await createBuildsApp()
    try {
      await long.database.pool.query(`
        insert into builds (steps_to_execute, repository_info, repository, output_type, created_by, started_at)
        select '{clone_repo,create_zip}', '{"id":null,"name":"a/b","url":"x","type":"https","is_verified":true}',
               'a/b', 'zip', 'admin', now() from generate_series(1, 1234)`)
      const answer = await long.request('GET', runsPath)
      const body = answer.json<ListBuildsResponse>()
      expect(body).toMatchObject({ count: 1234, total: 1234 })
      expect(new Set(idsOf(body)).size).toBe(1234)
      expect(idsOf(body)).toEqual(idsOf(body).toSorted((a, b) => b - a))
      const page = (await long.request('GET', `${runsPath}?limit=120&offset=1000`)).json()
      expect(idsOf(page)).toEqual(idsOf(body).slice(1000, 1120))
    } finally {
      await long.close()
    }
  })

  it('shows no more than the last 64 KiB of a log', async () => {
    const { id } = await test.create()
    const writer = await test.builds.logs.open(`builds/${id}/logs/build.log`, { secrets: [] })
    const lines = Array.from({ length: 3_000 }, (_, index) => `line ${index} ${'é'.repeat(20)}`)
    for (const line of lines) await writer.note(line)
    await writer.suspend()
    const build: Build = await test.show(id)
    expect(build.logs_truncated).toBe(true)
    expect(Buffer.byteLength(build.logs)).toBeLessThanOrEqual(65_536)
    expect(Buffer.byteLength(build.logs)).toBeGreaterThan(65_000)
    const shown = build.logs.trimEnd().split('\n')
    expect(shown).toEqual(lines.slice(-shown.length))
    await test.request('POST', `${runsPath}/${id}/cancel`)
    await test.database.pool.query('delete from builds where id = $1', [id])
  })
})

describe('GET /api/pipelines/steps', () => {
  it('answers all six', async () => {
    const answer = await get('/api/pipelines/steps')
    const body = answer.json()
    expect([answer.statusCode, body.success, body.count]).toEqual([200, true, 6])
    expect(body.build_steps).toEqual([
      {
        key: 'clone_repo',
        name: 'Clone Git Repository',
        description: 'Clone the Git repository (official or custom fork)',
        order: 1,
        required: true,
        dependencies: [],
      },
      {
        key: 'apply_branding',
        name: 'Apply Branding Template',
        description: 'Apply selected branding template',
        order: 2,
        required: false,
        dependencies: ['clone_repo'],
      },
      expect.objectContaining({ key: 'apply_config', order: 3, dependencies: ['clone_repo'] }),
      {
        key: 'create_zip',
        name: 'Create ZIP Archive',
        description: 'Package customizations into a ZIP file',
        order: 4,
        required: false,
        dependencies: ['clone_repo'],
      },
      expect.objectContaining({ key: 'build_image', order: 5, dependencies: ['clone_repo'] }),
      expect.objectContaining({
        key: 'push_registry',
        order: 6,
        dependencies: ['clone_repo', 'build_image'],
      }),
    ])
  })
})

describe('GET /api/pipelines/statistics', () => {
  it('counts as the document shows it', async () => {
    const answer = await get('/api/pipelines/statistics')
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        success: true,
        statistics: {
          period_days: 30,
          total_runs: 4,
          completed_runs: 2,
          failed_runs: 1,
          running_runs: 0,
          pending_runs: 1,
          success_rate: 50,
          step_usage: { clone_repo: 4, create_zip: 4, build_image: 1 },
          output_types: { zip: 3, docker_image: 0, both: 1 },
          total_build_outputs: 3,
        },
      },
    ])
  })

  it('looks back as many days as asked for, at what the token may see', async () => {
    await test.database.pool.query(
      `update builds set started_at = now() - interval '3 days' where id = $1`,
      [ids[1]],
    )
    const total = async (query: string, token?: string) =>
      (await get(`/api/pipelines/statistics${query}`, token)).json().statistics
    expect(await total('?days=2')).toMatchObject({
      period_days: 2,
      total_runs: 3,
      success_rate: 33.3,
      total_build_outputs: 1,
    })
    expect(await total('?days=4')).toMatchObject({ total_runs: 4 })
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/shop'] })
    expect(await total('', token)).toMatchObject({ total_runs: 1, success_rate: 100 })
    const none = await test.tokenFor(['viewer'], { repositories: ['acme/none'] })
    expect(await total('', none)).toMatchObject({ total_runs: 0, success_rate: 0, step_usage: {} })
    expect((await get('/api/pipelines/statistics?days=0')).statusCode).toBe(400)
  })
})

describe('GET /api/pipelines/repositories/{id}/usage', () => {
  it('answers as the document shows it', async () => {
    const answer = await get(`/api/pipelines/repositories/${shop}/usage`)
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        success: true,
        repository_usage: {
          repository_id: shop,
          repository_name: 'acme/shop',
          repository_url: 'git@github.com:user/open-webui.git',
          is_verified: true,
          total_pipeline_runs: 1,
          completed_runs: 1,
          failed_runs: 0,
          success_rate: 100,
          total_build_outputs: 1,
          last_used_at: (await test.show(ids[0] ?? 0)).started_at,
          created_at: '2024-01-01T10:00:00.000Z',
        },
      },
    ])
  })

  it('says of one that was never built that it was not, and 404 of what is hidden', async () => {
    const unused = await test.repository('acme/unused')
    const usage = (await get(`/api/pipelines/repositories/${unused}/usage`)).json().repository_usage
    expect(usage).toMatchObject({ total_pipeline_runs: 0, success_rate: 0, last_used_at: null })
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/unused'] })
    expect((await get(`/api/pipelines/repositories/${shop}/usage`, token)).statusCode).toBe(404)
    expect((await get('/api/pipelines/repositories/999999/usage')).statusCode).toBe(404)
  })
})

describe('X-RateLimit headers', () => {
  it('are on every answer of the family, also on errors and where there is nothing', async () => {
    const developer = await test.tokenFor(['developer'])
    for (const [method, url, token, status] of [
      ['GET', '/api/pipelines/steps', undefined, 200],
      ['GET', runsPath, undefined, 200],
      ['GET', `${runsPath}/999999`, undefined, 404],
      ['GET', `${runsPath}/${ids[0]}/logs`, undefined, 200],
      ['POST', runsPath, undefined, 400],
      ['POST', '/api/pipelines/cleanup', developer, 403],
      ['GET', runsPath, null, 401],
      ['GET', '/api/pipelines/nothing', undefined, 404],
      ['DELETE', '/api/pipelines/steps', undefined, 405],
      ['GET', '/api/pipelines/runs/%zz', undefined, 400],
      ['GET', '/api/repositories', undefined, 200],
    ] as const) {
      const answer = await test.request(method, url, {
        ...(token === undefined ? {} : { token }),
        ...(method === 'POST' ? { body: {} } : {}),
      })
      expect([url, answer.statusCode]).toEqual([url, status])
      const { headers } = answer
      expect(Number(headers['x-ratelimit-limit'])).toBe(1_000)
      expect(Number(headers['x-ratelimit-remaining'])).toBeLessThan(1_000)
      const inSeconds = Number(headers['x-ratelimit-reset']) - Date.now() / 1_000
      expect(inSeconds).toBeGreaterThan(0)
      expect(inSeconds).toBeLessThan(62)
    }
  })

  it('are on the answer that says that it was one too many', async () => {
    const strict = await createBuildsApp(
      {},
      { rateLimits: { windowMs: 60_000, perPrincipal: 2, failedPerAddress: 2 } },
    )
    try {
      const remaining: unknown[] = []
      for (let asked = 0; asked < 3; asked++) {
        const { statusCode, headers } = await strict.request('GET', '/api/pipelines/steps')
        remaining.push([statusCode, headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']])
      }
      expect(remaining).toEqual([
        [200, '2', '1'],
        [200, '2', '0'],
        [429, '2', '0'],
      ])
      const answer = await strict.request('GET', '/api/pipelines/steps')
      expect(answer.json().error).toBe('Rate limit exceeded')
      const undecodable = async () =>
        (await strict.request('GET', '/api/%zz', { token: null })).statusCode
      expect([await undecodable(), await undecodable(), await undecodable()]).toEqual([
        400, 400, 429,
      ])
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    } finally {
      await strict.close()
    }
  })
})
