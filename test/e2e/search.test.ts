// Search, from a run's log to the lines that somebody finds in it.
import type { CreatedToken } from '@slipway/contract/access'
import type { SearchResponse } from '@slipway/contract/search'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { runCli } from '../support/run-cli.ts'
import { finishedRun, getRun, startRun, stepNamed } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let shop: TestRepository
let runId: string
let stepId: string

const script = [
  'seq 1 3000',
  'printf "\\033[31mConnection refused\\033[0m by payments.internal:5432\\n"',
  'for n in $(seq 1 60); do echo "filler $n of a page that is long enough for a second stretch"; done',
  'echo src/main.ts:12: unexpected gizmo',
].join('; ')

beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_ALLOW_UNISOLATED: 'true' })
  shop = await createRepository(server.repositories, 'acme/shop')
  const commit = await shop.commit(oneProject([{ name: 'talk', action: 'run', run: script }]))
  runId = await startRun(server, 'acme/shop', commit)
  const run = await vi.waitFor(
    async () => {
      const now = await getRun(server, runId)
      expect(now.status).toBe('success')
      return now
    },
    { timeout: 30_000 },
  )
  stepId = stepNamed(run, 'talk').id
})
afterAll(() => server.close())

const find = (query: Record<string, string | number>, token?: string) => {
  const pairs = Object.entries(query).map(([key, value]): [string, string] => [key, `${value}`])
  const path = `/v1/search?${new URLSearchParams(pairs).toString()}`
  return server.json<SearchResponse>('GET', path, token === undefined ? {} : { token })
}
/** Indexing follows the run's end; how soon is not what is tested. */
const found = (query: Record<string, string | number>) =>
  expect.poll(async () => (await find(query)).results, { timeout: 10_000 })

describe('a log', () => {
  it('is found by its words, with the line and where in it they are', async () => {
    await found({ q: 'refused payments', kind: 'log' }).toHaveLength(1)
    const [result] = (await find({ q: 'refused payments', kind: 'log' })).results
    expect(result).toMatchObject({
      repository: 'acme/shop',
      run_id: runId,
      step_id: stepId,
      step: 'talk',
      line: 3001,
      excerpt: 'Connection refused by payments.internal:5432',
      highlights: [
        [11, 18],
        [22, 30],
      ],
    })
    const log = await server.request('GET', `${result?.path}`)
    expect((await log.text()).split('\n')[0]).toContain('Connection refused')
  })

  it.each([
    ['"connection refused"', 1],
    ['"refused connection"', 0],
    ['src/main.ts', 1],
    ['unexpec', 1],
    ['gizmo -unexpected', 0],
    ['nowhere OR gizmo', 1],
    ['filler', 1],
  ])('%s is in %d stretches of it', async (q, count) => {
    await found({ q: 'gizmo', kind: 'log' }).toHaveLength(1)
    expect((await find({ q, kind: 'log' })).results).toHaveLength(count)
  })
})

describe('a run', () => {
  it('is found by repository, branch, abbreviated commit and project', async () => {
    const { commit_sha } = await server.json<{ commit_sha: string }>('GET', `/v1/runs/${runId}`)
    await found({ q: `acme shop ${commit_sha.slice(0, 8)}`, kind: 'run' }).toMatchObject([
      { kind: 'run', run_id: runId, path: `/v1/runs/${runId}` },
    ])
    await found({ q: 'app success', kind: 'run' }).toMatchObject([{ run_id: runId }])
  })
})

describe('who sees what', () => {
  it('a token limited to repositories finds nothing of others, and may not ask for them', async () => {
    await found({ q: 'gizmo' }).toHaveLength(1)
    const limited = async (repositories: string[]) => {
      const body = { name: repositories.join(), roles: ['viewer'], repositories }
      return (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
    }
    const ours = await limited(['acme/shop'])
    const others = await limited(['acme/other'])
    expect((await find({ q: 'gizmo' }, ours)).results).toHaveLength(1)
    expect((await find({ q: 'gizmo' }, others)).results).toEqual([])
    const path = '/v1/search?q=gizmo&repository=acme/shop'
    expect((await server.request('GET', path, { token: others })).status).toBe(403)
    expect((await server.request('GET', path, { token: null })).status).toBe(401)
  })
})

describe('a query', () => {
  it('is refused when it asks for nothing', async () => {
    for (const q of ['', '-gizmo', '...']) {
      const answer = await server.request('GET', `/v1/search?q=${q}`)
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ error: { code: 'invalid_request' } })
    }
  })

  it('goes on from page to page, newest first', async () => {
    const second = await shop.commit(
      oneProject([{ name: 'talk', action: 'run', run: 'echo gizmo' }]),
    )
    const run = await finishedRun(server, await startRun(server, 'acme/shop', second))
    await found({ q: 'gizmo', kind: 'log' }).toHaveLength(2)
    const first = await find({ q: 'gizmo', kind: 'log', limit: 1 })
    expect(first.results).toMatchObject([{ run_id: run.id, line: 1 }])
    const rest = await find({ q: 'gizmo', kind: 'log', limit: 1, cursor: first.next_cursor ?? 0 })
    expect(rest.results).toMatchObject([{ run_id: runId }])
    expect(rest.next_cursor).toBeNull()
  })
})

it('slipway search prints what was found, and nothing that a terminal would obey', async () => {
  await found({ q: 'refused', kind: 'log' }).toHaveLength(1)
  const env = { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token }
  const shown = await runCli(['search', 'refused', 'payments', '--kind', 'log'], { env })
  expect(shown.out).toContain('log acme/shop test/app/talk:3001')
  expect(shown.out).toContain('Connection refused by payments.internal:5432')
  const json = await runCli(['--json', 'search', 'refused'], { env })
  expect(JSON.parse(json.out)).toMatchObject({ kind: 'log', line: 3001 })
  const nothing = await runCli(['search', 'nothing-of-the-kind'], { env })
  expect(nothing).toMatchObject({ code: 0, out: '', err: 'Nothing was found.\n' })
})
