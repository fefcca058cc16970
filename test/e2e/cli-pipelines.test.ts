import type { Pipeline, PipelineRun } from '@slipway/contract/pipelines'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { announceChanges, storeJobs, storeRuns } from '../../packages/server/src/monitor/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  inTransaction,
  sampleJob,
  sampleRun,
  sampleStep,
  watchRepository,
} from '../support/monitor.ts'
import { runCli } from '../support/run-cli.ts'
import { type Answer, json, serve } from '../support/scripted-server.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let database: TestDatabase
let server: TestServer
let repo: number
const minute = 60_000
const started = new Date(Math.floor(Date.now() / 1000) * 1000 - 60 * minute)
const ended = new Date(started.getTime() + 5 * minute)
const recent = { createdAt: started, runStartedAt: started, updatedAt: ended }

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startTestServer({ DATABASE_URL: database.url })
  repo = await watchRepository(database.db, 'owner/repo-name')
  await inTransaction(database.db, async (unit) => {
    await storeRuns(unit, {
      repositoryId: repo,
      runs: [
        sampleRun({ ...recent, id: 1 }),
        sampleRun({ ...recent, id: 2, branch: 'develop', conclusion: 'failure' }),
      ],
    })
    await storeJobs(unit, {
      repositoryId: repo,
      jobs: [
        sampleJob({ id: 3, runId: 1, name: 'lint' }),
        sampleJob({
          id: 4,
          runId: 2,
          conclusion: 'failure',
          // A name may not command a terminal.
          steps: [sampleStep({ name: 'Run \u001b[2Jtests', conclusion: 'failure' })],
        }),
      ],
    })
  })
})
afterAll(async () => {
  await server.close()
  await database.close()
})

const cli = (...args: string[]) =>
  runCli([...args, '--url', server.url], { env: { SLIPWAY_TOKEN: server.token } })

describe('slipway status', () => {
  it('shows the newest run of each branch', async () => {
    const result = await cli('status', '--repository', 'owner/repo-name')
    expect(result).toMatchObject({ code: 0, err: '' })
    const [head, ...rows] = result.out.trim().split('\n')
    expect(head).toMatch(/^STATUS +REPOSITORY +BRANCH +WORKFLOW +STARTED +TOOK +RUN$/)
    expect(rows).toHaveLength(2)
    expect(rows[0]).toMatch(/^failure +owner\/repo-name +develop +CI\/CD Pipeline .* 5m 00s +2$/)
    expect(rows[1]).toMatch(/^success +owner\/repo-name +main /)
  })

  it('takes filters, and prints JSON', async () => {
    const asked = ['--status', 'success', '-b', 'main', '-n', '1', '--json']
    const result = await cli('pipeline', 'list', ...asked)
    expect(JSON.parse(result.out)).toMatchObject({
      pipelines: [{ repository: 'owner/repo-name', runId: 1, status: 'success' }],
      metadata: { total: 1 },
    })
    const none = await cli('status', '--branch', 'nothing')
    expect(none).toMatchObject({ code: 0, out: 'There are no such pipelines.\n' })
    const wrong = await cli('status', '--status', 'green')
    expect(wrong.code).toBe(2)
  })

  it('says that it may be out of date', async () => {
    await watchRepository(database.db, 'acme/aged', { polledAt: new Date(0) })
    const result = await cli('status', '--repository', 'acme/aged')
    expect(result.out).toContain('GitHub could not be asked since 1970-01-01 00:00')
  })

  it('shows changes as they come with --watch, until it is interrupted', async () => {
    let changed = false
    const result = await runCli(
      ['status', '--watch', '--repository', 'owner/repo-name', '--url', server.url],
      {
        env: { SLIPWAY_TOKEN: server.token },
        onOutput: (out, signal) => {
          if (out.includes('running')) return signal('SIGINT')
          if (changed || !out.includes('develop')) return
          changed = true
          const run = sampleRun({
            ...recent,
            id: 2,
            attempt: 2,
            branch: 'develop',
            githubStatus: 'in_progress',
            conclusion: null,
          })
          void inTransaction(database.db, async (unit) => {
            const runs = await storeRuns(unit, { repositoryId: repo, runs: [run] })
            await announceChanges(unit, { repositoryId: repo, runs, jobs: [] })
          })
        },
      },
    )
    expect(result.code).toBe(130)
    const lines = result.out.trim().split('\n')
    expect(lines[0]).toMatch(/^success .* main /)
    expect(lines[1]).toMatch(/^failure .* develop /)
    expect(lines[2]).toMatch(/^running .* develop /)
    expect(lines).toHaveLength(3)
  })

  it('says what is missing without a token', async () => {
    const result = await runCli(['status', '--url', server.url])
    expect(result.code).toBe(4)
    expect(result.err).toContain('This needs a bearer token')
  })
})

it.each([
  ['history', 'shop'],
  ['trigger', 'https://github.com/acme/shop', 'ci.yml'],
  ['metrics', 'shop'],
  ['insights', 'acme/'],
  ['status', '--repository', 'shop'],
])('says how a repository is written, asking nobody: %s %s', async (...args) => {
  const result = await runCli([...args, '--url', 'http://127.0.0.1:9'])
  expect(result).toMatchObject({ code: 2, out: '' })
  expect(result.err).toContain('Write it as owner/name.')
})

describe('slipway history', () => {
  it('shows the runs, and where they failed', async () => {
    const result = await cli('history', 'owner/repo-name', '--workflow', 'ci.yml')
    expect(result.code).toBe(0)
    const [head, first, second, third] = result.out.trim().split('\n')
    expect(head).toMatch(/^STATUS +RUN +WORKFLOW +BRANCH +COMMIT +STARTED +TOOK +BY +MESSAGE$/)
    expect(first).toMatch(/ 2 .* develop /)
    expect([second, third].join('\n')).toMatch(
      / 1 +CI\/CD Pipeline +main +abc123de .* username +Add new feature/,
    )
    expect(result.out).not.toContain('\u001b[2J')
  })

  it('goes page by page', async () => {
    const first = await cli('history', 'owner/repo-name', '-n', '1')
    expect(first.err).toContain('1 of 2; go on with --offset 1')
    const next = ['-n', '1', '--page', '2', '--json']
    const second = await cli('pipeline', 'history', 'owner/repo-name', ...next)
    expect(JSON.parse(second.out)).toMatchObject({
      runs: [{ id: 1 }],
      metadata: { page: 2, total: 2 },
    })
    const past = await cli('history', 'owner/repo-name', '-n', '1', '--page', '9')
    expect(past).toMatchObject({ code: 0, out: '', err: 'There are 2.\n' })
  })

  it('passes on what the server says', async () => {
    const result = await cli('history', 'acme/missing')
    expect(result.code).toBe(4)
    expect(result.err).toContain('There is no repository acme/missing that we can see')
  })
})

describe('slipway metrics and insights', () => {
  it('shows figures of each repository, and what may be missing', async () => {
    await watchRepository(database.db, 'acme/broken', { pollError: 'GitHub answers 502' })
    const result = await cli('metrics', '--range', '7d')
    expect(result.code).toBe(0)
    expect(result.out).toMatch(/^REPOSITORY +RUNS +SUCCEEDED +FAILED +CANCELLED +AVERAGE +MEDIAN$/m)
    expect(result.out).toMatch(/^owner\/repo-name +2 +1 \(\d+ %\)/m)
    expect(result.err).toContain('acme/broken: GitHub answers 502')
    const one = await cli('pipeline', 'metrics', 'owner/repo-name', '--branch', 'main', '--json')
    expect(JSON.parse(one.out)).toMatchObject({
      metrics: { 'owner/repo-name': { total: 1, successRate: 100, averageDuration: 300 } },
      timeRange: '30d',
    })
    const wrong = await cli('metrics', '--range', '2y')
    expect(wrong.code).toBe(4)
    expect(wrong.err).toContain('timeRange must be a number followed by h, d or w')
  })

  it('shows what is slow and how delivery goes', async () => {
    const result = await cli('insights', 'owner/repo-name', '--range', '7d', '--branch', 'main')
    expect(result.code).toBe(0)
    expect(result.out).toMatch(/^Workflows$/m)
    expect(result.out).toMatch(/^owner\/repo-name +CI\/CD Pipeline +1 +5m 00s +5m 00s/m)
    expect(result.out).toMatch(/^owner\/repo-name +CI\/CD Pipeline +lint +1 +3m 00s/m)
    expect(result.out).toMatch(/^owner\/repo-name +runs +1 /m)
    const parsed = JSON.parse((await cli('pipeline', 'insights', '--json')).out) as object
    expect(Object.keys(parsed)).toContain('dora')
  })
})

const triggered = {
  success: true,
  repository: 'owner/repo-name',
  workflow: 'ci.yml',
  branch: 'main',
  message: 'Pipeline triggered successfully',
  timestamp: '2025-01-01T10:10:00.000Z',
  runId: 77,
  runUrl: 'https://github.com/owner/repo-name/actions/runs/77',
}

function shown(status: Pipeline['status'], conclusion: string | null): PipelineRun {
  return {
    id: 77,
    name: 'CI/CD Pipeline',
    status,
    conclusion,
    created_at: '2025-01-01T10:10:00.000Z',
    updated_at: '2025-01-01T10:10:00.000Z',
    duration: 65,
    branch: 'main',
    commit_sha: 'abc123def456',
    commit_message: 'Add new feature',
    actor: 'username',
    attempt: 1,
    url: triggered.runUrl,
    jobs: [
      {
        id: 1,
        name: 'build',
        status,
        conclusion,
        started_at: null,
        completed_at: null,
        duration: 60,
        steps:
          conclusion === 'failure'
            ? [
                {
                  number: 1,
                  name: 'Run tests',
                  status: 'completed',
                  conclusion,
                  started_at: null,
                  completed_at: null,
                },
              ]
            : [],
      },
    ],
    artifacts: [],
  }
}

/** A server that starts the run, and shows it in these states, one at each request. */
function startsAndShows(
  states: readonly (PipelineRun | null)[],
  answer: object = triggered,
): Answer {
  let asked = 0
  return (response, request) => {
    if (request.method === 'POST') return json(200, answer)(response, request)
    if (request.url.startsWith('/v1/events')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      // News at once and again, so that nobody waits.
      for (let id = 1; id < 5; id++)
        setTimeout(() => response.write(`id: ${id}\ndata: {}\n\n`), id * 150)
      return
    }
    const state = states[Math.min(asked++, states.length - 1)] ?? null
    const metadata = {
      page: 1,
      per_page: 100,
      total: 1,
      timestamp: '',
      cachedAt: null,
      stale: false,
    }
    json(200, { repository: 'owner/repo-name', runs: state === null ? [] : [state], metadata })(
      response,
      request,
    )
  }
}

describe('slipway trigger', () => {
  it('starts a workflow with inputs, and says its run', async () => {
    const { baseUrl, seen } = await serve(startsAndShows([]))
    const args = ['trigger', 'owner/repo-name', 'ci.yml', '-i', 'debug=true', '--input', 'note=a=b']
    const result = await runCli([...args, '--branch', 'develop', '--url', baseUrl])
    expect(result).toMatchObject({ code: 0, out: `${triggered.runUrl}\n` })
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/api/v2/pipelines/trigger' })
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      repository: 'owner/repo-name',
      workflow: 'ci.yml',
      branch: 'develop',
      inputs: { debug: 'true', note: 'a=b' },
    })
  })

  it('refuses an input without a name, asking nobody', async () => {
    const result = await runCli(['trigger', 'owner/repo-name', 'ci.yml', '-i', 'debug'])
    expect(result.code).toBe(2)
    expect(result.err).toContain('name=value')
  })

  it('sends it once, whatever the answer', async () => {
    const { baseUrl, seen } = await serve(
      json(503, { error: 'Service Unavailable', details: 'GitHub cannot be reached' }),
    )
    const args = ['pipeline', 'trigger', 'owner/repo-name', 'ci.yml', '--url', baseUrl]
    const result = await runCli(args)
    expect(result.code).toBe(4)
    expect(result.err).toContain('GitHub cannot be reached')
    expect(seen).toHaveLength(1)
  })

  it.each([
    ['success', 'success', 0],
    ['failure', 'failure', 1],
    ['failure', 'cancelled', 3],
  ] as const)('watches the run to its end: %s, %s', async (status, conclusion, code) => {
    const states = [null, shown('running', null), shown(status, conclusion)]
    const { baseUrl, seen } = await serve(startsAndShows(states))
    const args = ['trigger', 'owner/repo-name', 'ci.yml', '--watch', '--url', baseUrl]
    const result = await runCli(args)
    expect(result.code, result.err).toBe(code)
    const [url, ...lines] = result.out.trim().split('\n')
    expect(url).toBe(triggered.runUrl)
    expect(lines.slice(0, 4)).toEqual([
      'CI/CD Pipeline  running',
      '  build  running',
      `  build  ${status}  1m 00s`,
      `CI/CD Pipeline  ${status}  1m 05s`,
    ])
    if (conclusion === 'failure') expect(lines.at(-1)).toBe('build › Run tests: failure')
    expect(seen.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  it('says so where the run is not known', async () => {
    const { baseUrl } = await serve(startsAndShows([], { ...triggered, runId: null, runUrl: null }))
    const args = ['trigger', 'owner/repo-name', 'ci.yml', '--url', baseUrl]
    expect(await runCli(args)).toMatchObject({
      code: 0,
      err: 'Pipeline triggered successfully. Its run is not known yet.\n',
    })
    const watched = await runCli([...args, '--watch'])
    expect(watched.code).toBe(1)
    expect(watched.err).toContain('slipway history owner/repo-name --branch main')
  })
})
