import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CreatedToken } from '@slipway/contract/access'
import pg from 'pg'
import { startTestServer } from '../test/support/server.ts'
import { pace, saturate, type Target } from './http-load.ts'
import { round } from './statistics.ts'

const repositories = 50
const runsPerRepository = 2_000
const seconds = 4

/** Status, history and metrics of 50 repositories with 100,000 runs, against a bare node:http handler with the same SQL. */
export async function benchPipelines(databaseUrl: string): Promise<object> {
  const server = await startTestServer({ DATABASE_URL: databaseUrl })
  const bare = fork(
    fileURLToPath(new URL('./bare-pipelines-handler.ts', import.meta.url)),
    [databaseUrl],
    { execArgv: ['--import', 'tsx'] },
  )
  try {
    await fill(databaseUrl)
    const [port] = (await once(bare, 'message')) as [number]
    // Exempt from the rate limit.
    const body = { name: 'bench', roles: ['service-account', 'viewer'] }
    const { token } = await server.json<CreatedToken>('POST', '/v1/tokens', { body })
    const headers = { authorization: `Bearer ${token}` }
    const compare = async (path: string, floorPath: string) => {
      const ours: Target = { url: `${server.url}/api/v2/pipelines/${path}`, headers }
      const floor: Target = { url: `http://127.0.0.1:${port}/${floorPath}` }
      await saturate(ours, 1)
      await saturate(floor, 1)
      const floorRate = await saturate(floor, seconds)
      const rate = await saturate(ours, seconds)
      const half = Math.max(1, Math.floor(Math.min(rate, floorRate) / 2))
      const floorMs = await pace(floor, half, seconds)
      const ms = await pace(ours, half, seconds)
      const ratio = round(rate / floorRate)
      return {
        floorPerSecond: floorRate,
        perSecond: rate,
        ratio,
        atHalfLoad: { perSecond: half, floorMs, ms },
        reached: ratio >= 0.6 && ms.p99 <= 15,
      }
    }
    const insights = async (range: string) => {
      const begun = performance.now()
      await server.json('GET', `/api/v2/pipelines/insights?timeRange=${range}`, { token })
      return round(performance.now() - begun, 0)
    }
    return {
      repositories,
      runs: repositories * runsPerRepository,
      goal: { ratio: 0.6, p99Ms: 15 },
      status: await compare('status?limit=50', 'status?limit=50'),
      history: await compare(
        'history/bench/repo-7?per_page=30',
        'history?repository=bench/repo-7&per_page=30&offset=0',
      ),
      historyEnd: await compare(
        'history/bench/repo-7?per_page=30&page=60',
        'history?repository=bench/repo-7&per_page=30&offset=1770',
      ),
      metrics: await compare('metrics?timeRange=30d', 'metrics'),
      // Computed once a minute at most.
      insightsFirstMs: { '30d': await insights('30d'), '90d': await insights('90d') },
      whileRunsChange: await whileRunsChange(databaseUrl, async () => ({
        status: await compare('status?limit=50', 'status?limit=50'),
        metrics: await compare('metrics?timeRange=30d', 'metrics'),
      })),
    }
  } finally {
    bare.kill()
    await server.close()
  }
}

/** With a change of a run twenty times a second, so that what was computed before does not last. */
async function whileRunsChange<T>(url: string, measure: () => Promise<T>): Promise<T> {
  const client = new pg.Client(url)
  await client.connect()
  let last: Promise<unknown> = Promise.resolve()
  let repository = 0
  const timer = setInterval(() => {
    repository = (repository % repositories) + 1
    const id = repository
    last = last.then(() =>
      client.query(
        `update monitored_repositories
         set runs_version = runs_version + 1, jobs_version = jobs_version + 1 where id = $1`,
        [id],
      ),
    )
  }, 50)
  try {
    return await measure()
  } finally {
    clearInterval(timer)
    await last
    await client.end()
  }
}

/** Runs over 90 days: half on main, the others on 60 branches; four workflows; two jobs of five steps each. */
async function fill(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(
    `insert into monitored_repositories (full_name, source, default_branch, polled_at, complete_since)
     select 'bench/repo-' || n, 'configured', 'main', now() + interval '1 hour',
            now() - interval '400 days'
     from generate_series(1, ${repositories}) n`,
  )
  await client.query(
    `insert into workflow_runs (id, repository_id, workflow_id, workflow_name, workflow_path,
       run_number, attempt, event, branch, commit_sha, commit_message, actor, url, status,
       github_status, conclusion, created_at, run_started_at, updated_at, duration, jobs_complete,
       artifacts)
     select m.id * 100000 + n, m.id, m.id * 10 + n % 4, 'Workflow ' || n % 4,
            '.github/workflows/' || n % 4 || '.yml', n, 1, 'push',
            case when n % 2 = 0 then 'main' else 'feature-' || n % 121 end,
            md5(n::text) || '00000000', 'Change number ' || n, 'somebody',
            'https://github.com/bench/repo/actions/runs/' || n,
            case when n % 10 = 0 then 'failure' else 'success' end, 'completed',
            case when n % 10 = 0 then 'failure' else 'success' end,
            at, at, at + (60 + n % 600) * interval '1 second', 60 + n % 600, true, '[]'
     from monitored_repositories m, generate_series(1, ${runsPerRepository}) n,
          lateral (select now() - (${runsPerRepository} - n) * interval '64 minutes'
                          - m.id * interval '1 second' as at) t`,
  )
  await client.query(
    `insert into newest_workflow_runs
     select distinct on (repository_id, workflow_id, branch) repository_id, workflow_id, branch, id,
            created_at, run_started_at, status
     from workflow_runs order by repository_id, workflow_id, branch, created_at desc`,
  )
  await client.query(
    `insert into workflow_jobs (id, repository_id, run_id, attempt, name, status, github_status,
                                conclusion, created_at, started_at, completed_at, labels, steps)
     select r.id * 10 + j, r.repository_id, r.id, 1, 'job ' || j, r.status, 'completed',
            r.conclusion, r.created_at, r.created_at + interval '5 seconds', r.updated_at,
            '{ubuntu-latest}', s.steps
     from workflow_runs r, generate_series(1, 2) j,
          (select jsonb_agg(jsonb_build_object('number', n, 'name', 'Step number ' || n,
                     'status', 'completed', 'conclusion', 'success',
                     'started_at', '2025-01-01T10:01:00.000Z',
                     'completed_at', '2025-01-01T10:02:00.000Z') order by n) as steps
           from generate_series(1, 5) n) s`,
  )
  await client.query('vacuum analyze')
  await client.end()
}
