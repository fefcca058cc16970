import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transact, type UnitOfWork } from '../../packages/server/src/db/unit-of-work.ts'
import { startEventRelay } from '../../packages/server/src/events/index.ts'
import { type Metrics, openMetrics } from '../../packages/server/src/metrics/index.ts'
import { createTestApp, type TestApp } from '../support/http.ts'
import { watchRepository } from '../support/monitor.ts'
import { type MetricFamily, parseMetrics, valueOf } from '../support/parse-metrics.ts'
import { quietLog } from '../support/quiet-log.ts'

let test: TestApp
let metrics: Metrics

beforeAll(async () => {
  test = await createTestApp((db) => {
    metrics = openMetrics({ db, log: quietLog, version: '1.2.3' }, { cacheMs: 0 })
    return { metrics }
  })
})
afterAll(() => test.close())

async function scrape(path = '/api/metrics'): Promise<Map<string, MetricFamily>> {
  const answer = await test.request('GET', path)
  expect(answer.statusCode).toBe(200)
  return parseMetrics(answer.body)
}

describe('who may read metrics', () => {
  it.each(['/api/metrics', '/metrics'])('%s is for tokens with the permission', async (path) => {
    const refused = await test.request('GET', path, { token: null })
    expect(refused.statusCode).toBe(401)
    const worker = await test.tokenFor(['service-account'])
    expect((await test.request('GET', path, { token: worker })).statusCode).toBe(403)
    const viewer = await test.tokenFor(['viewer'])
    const answer = await test.request('GET', path, { token: viewer })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(answer.headers['cache-control']).toBe('no-store')
    parseMetrics(answer.body)
  })

  it('is not for tokens that are limited to repositories', async () => {
    const limited = await test.tokenFor(['admin'], { repositories: ['acme/shop'] })
    const answer = await test.request('GET', '/metrics', { token: limited })
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({ error: { code: 'authorization_failed' } })
  })
})

it('describes the process, and says its version', async () => {
  const families = await scrape()
  expect(valueOf(families, 'slipway_build_info', { version: '1.2.3' })).toBe(1)
  expect(valueOf(families, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
  expect(families.get('nodejs_eventloop_lag_seconds')?.type).toBe('gauge')
  for (const [name, { help }] of families) expect(help, name).not.toBe('')
})

it('counts requests by the pattern of their route, whatever was asked for', async () => {
  const route = { method: 'DELETE', route: '/v1/tokens/:id', status: '404' }
  const before = await scrape()
  await test.request('DELETE', `/v1/tokens/${randomUUID()}`)
  await test.request('DELETE', `/v1/tokens/${randomUUID()}`)
  await test.request('DELETE', `/no/such/${randomUUID()}`)
  const after = await scrape()
  const grown = (name: string, labels: Record<string, string>) =>
    (valueOf(after, name, labels) ?? 0) - (valueOf(before, name, labels) ?? 0)
  expect(grown('slipway_http_requests_total', route)).toBe(2)
  expect(grown('slipway_http_request_duration_seconds_count', route)).toBe(2)
  expect(grown('slipway_http_requests_total', { ...route, route: 'none' })).toBe(1)
})

it('shows what GitHub is asked, and what is left of its budget, once that is known', async () => {
  const { github } = metrics
  expect((await scrape()).get('slipway_github_budget_remaining')?.samples).toEqual([])
  const resetAt = new Date('2025-01-01T10:00:00Z')
  github.watchBudget(() => ({ limit: 5_000, remaining: 4_321, resetAt }))
  for (const status of [200, 304, 304, 403, null]) github.request(status)
  github.poll('unchanged')
  github.lag(20)
  github.fallback('listRuns', 'away')
  metrics.watchSockets(() => 7)
  const families = await scrape()
  const core = { resource: 'core' }
  expect(valueOf(families, 'slipway_github_budget_limit', core)).toBe(5_000)
  expect(valueOf(families, 'slipway_github_budget_remaining', core)).toBe(4_321)
  expect(valueOf(families, 'slipway_github_budget_reset_timestamp_seconds', core)).toBe(
    resetAt.getTime() / 1000,
  )
  expect(valueOf(families, 'slipway_github_requests_total', { status: '200' })).toBe(1)
  expect(valueOf(families, 'slipway_github_requests_total', { status: 'none' })).toBe(1)
  expect(valueOf(families, 'slipway_github_cache_hits_total')).toBe(2)
  expect(valueOf(families, 'slipway_github_polls_total', { outcome: 'unchanged' })).toBe(1)
  expect(valueOf(families, 'slipway_github_delivery_lag_seconds_sum')).toBe(0.02)
  const fallback = { operation: 'listRuns', reason: 'away' }
  expect(valueOf(families, 'slipway_github_mcp_fallbacks_total', fallback)).toBe(1)
  expect(valueOf(families, 'slipway_sockets')).toBe(7)
})

describe('what happens', () => {
  const run = { run_id: randomUUID(), repository: 'acme/shop', commit_sha: 'abc' }
  const release = {
    release_id: randomUUID(),
    repository: 'acme/shop',
    project: 'api',
    commit_sha: 'abc',
    release_number: 1,
  }

  /** Commits the events, and has them numbered as a server does. */
  async function happen(emit: (unit: UnitOfWork) => Promise<void>): Promise<void> {
    const { db, pool } = test.database
    let numbered = () => {}
    const done = new Promise<void>((resolve) => void (numbered = resolve))
    const relay = startEventRelay({
      pool,
      log: quietLog,
      publish({ events }) {
        metrics.observeEvents(events)
        if (events.length > 0) numbered()
      },
    })
    await transact({ db, wakeEvents: () => relay.wake(), wakeJobs() {} }, emit)
    await done
    await relay.close()
  }

  it('is counted: runs, phases, releases, deployments and builds', async () => {
    const phase = randomUUID()
    await happen(async (unit) => {
      const emit: UnitOfWork['emit'] = (event) => unit.emit(event)
      const about = { repository: run.repository, runId: null }
      emit({
        ...about,
        type: 'pipeline.run.created',
        data: { ...run, branch: 'main', triggered_by: 'alice' },
      })
      emit({
        ...about,
        type: 'pipeline.run.completed',
        data: { ...run, status: 'failed', duration_seconds: 90 },
      })
      emit({ ...about, type: 'pipeline.run.cancelled', data: { ...run, cancelled_by: 'alice' } })
      emit({ ...about, type: 'release.created', data: { ...release, trigger_type: 'tag' } })
      emit({
        ...about,
        type: 'deployment.failed',
        data: {
          ...release,
          deployment_id: randomUUID(),
          environment: 'production',
          reason: 'it took too long',
        },
      })
      const build = { build_id: 1, repository: run.repository }
      emit({
        ...about,
        type: 'build.completed',
        data: { ...build, status: 'completed', outputs: 1, duration_seconds: 12 },
      })
      emit({
        ...about,
        type: 'build.failed',
        data: { ...build, status: 'failed', failure_reason: 'timeout', error: 'too slow' },
      })
      await sql`
        insert into runs (id, repository, branch, commit_sha, status, trigger_type, triggered_by,
                          repository_ordinal, branch_ordinal)
        values (${run.run_id}, ${run.repository}, 'main', 'abc', 'running', 'manual', 'alice', 1, 1)
      `.execute(unit.trx)
      await sql`
        insert into phases (id, run_id, position, name, group_number, timeout_ms, status,
                            started_at, completed_at)
        values (${phase}, ${run.run_id}, 1, 'build', 1, 1000, 'success',
                now() - interval '42 s', now())`.execute(unit.trx)
      emit({
        ...about,
        type: 'pipeline.phase.updated',
        data: {
          run_id: run.run_id,
          repository: run.repository,
          phase_id: phase,
          phase: 'build',
          group_number: 1,
          status: 'success',
        },
      })
    })
    const families = await scrape()
    expect(valueOf(families, 'slipway_runs_created_total')).toBe(1)
    expect(valueOf(families, 'slipway_runs_finished_total', { status: 'failed' })).toBe(1)
    expect(valueOf(families, 'slipway_runs_finished_total', { status: 'cancelled' })).toBe(1)
    expect(valueOf(families, 'slipway_run_duration_seconds_sum', { status: 'failed' })).toBe(90)
    const built = { phase: 'build', status: 'success' }
    expect(valueOf(families, 'slipway_phase_duration_seconds_sum', built)).toBe(42)
    expect(valueOf(families, 'slipway_releases_total', { trigger: 'tag' })).toBe(1)
    const failed = { environment: 'production', status: 'failed' }
    expect(valueOf(families, 'slipway_deployments_total', failed)).toBe(1)
    expect(valueOf(families, 'slipway_builds_finished_total', { status: 'completed' })).toBe(1)
    expect(valueOf(families, 'slipway_builds_finished_total', { status: 'timeout' })).toBe(1)
    expect(valueOf(families, 'slipway_build_duration_seconds_sum')).toBe(12)
    expect(valueOf(families, 'slipway_runs_active', { status: 'running' })).toBe(1)
    expect(valueOf(families, 'slipway_runs_active', { status: 'pending' })).toBe(0)
  })
})

it('asks the database how much waits', async () => {
  const { db } = test.database
  const worker = randomUUID()
  const release = randomUUID()
  await sql`
    insert into workers (id, name, home, types, capacity)
    values (${worker}, 'machine', 'home', '{task}', 4)`.execute(db)
  await sql`
    insert into jobs (id, type, subject, payload, timeout_ms, state, run_at, worker_id)
    values (gen_random_uuid(), 'task', 's', '{}', 1000, 'queued', now() - interval '1 min', null),
           (gen_random_uuid(), 'task', 's', '{}', 1000, 'queued', now() + interval '1 h', null),
           (gen_random_uuid(), 'task', 's', '{}', 1000, 'running', now(), ${worker})`.execute(db)
  await sql`
    insert into releases (id, repository, project, commit_sha, release_number, oci_uri, oci_digest,
                          trigger_type, triggered_by, created_by, environments, resources)
    select ${release}, 'acme/shop', 'api', 'abc', 1, 'uri', 'digest', 'manual', 'alice', 'alice',
           '[]', '[]'`.execute(db)
  await sql`
    insert into deployments (id, release_id, environment, repository, project, release_number,
                             status, deployed_by, failed_at, superseded_at)
    select gen_random_uuid(), ${release}, environment, 'acme/shop', project, 1, status, 'alice',
           failed_at::timestamptz, null
    from (values ('staging', 'api', 'active', null), ('staging', 'web', 'active', null),
                 ('staging', 'api', 'superseded', null), ('production', 'api', 'pending', null),
                 ('production', 'web', 'pending', now()))
      as sample (environment, project, status, failed_at)`.execute(db)
  await sql`
    insert into event_consumers (name, seq)
    select 'webhooks', last - 3 from event_sequence`.execute(db)
  await sql`
    insert into leases (name, holder, expires_at)
    values ('retention', ${worker}, now() + interval '10 s'),
           (${`seal logs of ${randomUUID()}`}, ${worker}, now() + interval '10 s'),
           (${`seal logs of ${randomUUID()}`}, ${worker}, now() + interval '10 s'),
           ('events: webhooks', ${worker}, now() - interval '1 s')`.execute(db)
  await sql`
    insert into events (event_type, occurred_at, data)
    values ('pipeline.run.created', now() - interval '20 s', '{}')`.execute(db)
  await sql`
    insert into tokens (id, name, secret_sha256, roles, created_by, expires_at, last_used_at)
    values (gen_random_uuid(), 'ends soon', 'a', '{viewer}', 'alice', '2099-01-02', now()),
           (gen_random_uuid(), 'ends late', 'b', '{viewer}', 'alice', '2099-01-03', now()),
           (gen_random_uuid(), 'is not used', 'c', '{viewer}', 'alice', '2099-01-01', null)`.execute(
    db,
  )
  await watchRepository(db, 'acme/shop', { polledAt: new Date(Date.now() - 30_000) })
  await watchRepository(db, 'acme/asked-for', { source: 'read', polledAt: new Date(0) })
  const families = await scrape()
  expect(valueOf(families, 'slipway_jobs_queued', { type: 'task' })).toBe(2)
  expect(valueOf(families, 'slipway_jobs_queued', { type: 'discovery' })).toBe(0)
  expect(valueOf(families, 'slipway_jobs_oldest_seconds', { type: 'discovery' })).toBe(0)
  const oldest = valueOf(families, 'slipway_jobs_oldest_seconds', { type: 'task' })
  expect(oldest).toBeGreaterThanOrEqual(60)
  expect(oldest).toBeLessThan(120)
  expect(valueOf(families, 'slipway_worker_capacity', { worker: 'machine' })).toBe(4)
  expect(valueOf(families, 'slipway_worker_active', { worker: 'machine' })).toBe(1)
  expect(valueOf(families, 'slipway_jobs_running', { type: 'task' })).toBe(1)
  expect(valueOf(families, 'slipway_jobs_running', { type: 'discovery' })).toBe(0)
  expect(valueOf(families, 'slipway_workers')).toBe(1)
  const seen = valueOf(families, 'slipway_worker_last_seen_seconds', { worker: 'machine' })
  expect(seen).toBeGreaterThanOrEqual(0)
  expect(seen).toBeLessThan(60)
  const duties = (duty: string, by: string) =>
    valueOf(families, 'slipway_duties_held', { duty, worker: by })
  expect(duties('retention', 'machine')).toBe(1)
  expect(duties('seal logs', 'machine')).toBe(2)
  expect(duties('events: webhooks', 'none')).toBe(0)
  expect(valueOf(families, 'slipway_token_expiry_timestamp_seconds')).toBe(
    Date.parse('2099-01-02T00:00:00Z') / 1000,
  )
  const waited = valueOf(families, 'slipway_deployment_pending_seconds', {
    environment: 'production',
  })
  expect(waited).toBeGreaterThanOrEqual(0)
  expect(valueOf(families, 'slipway_events_unnumbered_seconds')).toBeGreaterThanOrEqual(20)
  const deployments = (environment: string, status: string) =>
    valueOf(families, 'slipway_deployments', { environment, status })
  expect(deployments('staging', 'active')).toBe(2)
  expect(deployments('production', 'pending')).toBe(1)
  expect(deployments('production', 'failed')).toBe(1)
  expect(deployments('staging', 'superseded')).toBeUndefined()
  expect(valueOf(families, 'slipway_webhook_deliveries_outstanding')).toBe(0)
  expect(valueOf(families, 'slipway_github_deliveries_outstanding')).toBe(0)
  expect(valueOf(families, 'slipway_events_lag', { consumer: 'webhooks' })).toBe(3)
  expect(valueOf(families, 'slipway_events_unnumbered')).toBe(1)
  expect(valueOf(families, 'slipway_monitored_repositories')).toBe(1)
  expect(valueOf(families, 'slipway_github_poll_age_seconds')).toBeGreaterThanOrEqual(30)
  for (const { labels, value } of families.get('slipway_store_statement_up')?.samples ?? []) {
    expect(value, labels['statement']).toBe(1)
  }
  expect(families.get('slipway_store_statement_up')?.samples).toHaveLength(11)
})

it('has no label that names a repository', async () => {
  for (const [name, { samples }] of await scrape()) {
    for (const { labels } of samples) {
      expect(Object.keys(labels), name).not.toContain('repository')
      expect(Object.values(labels).join(' '), name).not.toContain('acme/')
    }
  }
})

it('leaves out what the database does not say in time, and shows the rest', async () => {
  const { db } = test.database
  const slow = openMetrics(
    { db, log: quietLog, version: '1.2.3' },
    { cacheMs: 0, statementMs: 200, deadlineMs: 5_000 },
  )
  const before = parseMetrics(await slow.scrape())
  expect(valueOf(before, 'slipway_webhook_deliveries_outstanding')).toBe(0)
  const trx = await db.startTransaction().execute()
  try {
    await sql`lock table webhook_deliveries, runs in access exclusive mode`.execute(trx)
    const during = parseMetrics(await slow.scrape())
    expect(during.get('slipway_webhook_deliveries_outstanding')?.samples).toEqual([])
    expect(during.get('slipway_runs_active')?.samples).toEqual([])
    expect(valueOf(during, 'slipway_store_statement_up', { statement: 'runs' })).toBe(0)
    expect(valueOf(during, 'slipway_store_statement_up', { statement: 'jobs' })).toBe(1)
    expect(valueOf(during, 'slipway_jobs_queued', { type: 'task' })).toBe(2)

    const hasty = openMetrics(
      { db, log: quietLog, version: '1.2.3' },
      { cacheMs: 0, statementMs: 1_000, deadlineMs: 100 },
    )
    const late = parseMetrics(await hasty.scrape())
    expect(valueOf(late, 'slipway_store_statement_up', { statement: 'repositories' })).toBe(0)
    expect(late.get('slipway_monitored_repositories')?.samples).toEqual([])
    expect(valueOf(late, 'slipway_build_info', { version: '1.2.3' })).toBe(1)
  } finally {
    await trx.rollback().execute()
  }
  const after = parseMetrics(await slow.scrape())
  expect(valueOf(after, 'slipway_webhook_deliveries_outstanding')).toBe(0)
})

it('asks the database once for scrapes that come together or soon after', async () => {
  const { db } = test.database
  const cached = openMetrics({ db, log: quietLog, version: '1.2.3' }, { cacheMs: 60_000 })
  const [first, second] = await Promise.all([cached.scrape(), cached.scrape()])
  await sql`delete from jobs where state = 'queued'`.execute(db)
  for (const text of [first, second, await cached.scrape()]) {
    expect(valueOf(parseMetrics(text), 'slipway_jobs_queued', { type: 'task' })).toBe(2)
  }
})
