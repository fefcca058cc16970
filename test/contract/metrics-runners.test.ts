import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openMetrics } from '../../packages/server/src/metrics/index.ts'
import { measureDelegations } from '../../packages/server/src/runners/figures.ts'
import { pruneDelegations } from '../../packages/server/src/runners/prune-delegations.ts'
import { type MetricFamily, parseMetrics, valueOf } from '../support/parse-metrics.ts'
import { quietLog } from '../support/quiet-log.ts'
import { createRunnersApp, runnerClass, type RunnersApp } from '../support/runners-app.ts'

const { signal } = new AbortController()
const jobs = 'github_runnerhub_jobs_total'
const duration = 'github_runnerhub_job_duration_seconds'
const classes = [runnerClass(), runnerClass({ name: 'large', labels: ['large'], maxRunners: 1 })]
let test: RunnersApp

beforeAll(async () => {
  test = await createRunnersApp({ classes })
  test.start()
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.database.pool.query(
    'truncate delegations, delegation_counts, delegation_figures, runners, jobs cascade',
  )
})

/** What a server shows that has just been started: nothing is remembered. */
async function scrape(
  pool: ReadonlyMap<string, number> = new Map(),
): Promise<Map<string, MetricFamily>> {
  const { db } = test.database
  const metrics = openMetrics({ db, log: quietLog, version: '1.2.3' })
  metrics.watchPool(() => pool)
  return parseMetrics(await metrics.scrape())
}

const measure = () => measureDelegations(test.database, signal)

/** A job that waited, was started and ended as if it had taken so many seconds. */
async function runJob(
  status: 'completed' | 'failed' | 'cancelled',
  took: { queue?: number; start?: number; run: number },
  labels: readonly string[] = ['ubuntu-latest'],
): Promise<string> {
  const id = await test.delegate({ labels })
  const job = await test.take()
  await job.begin()
  await job.run()
  const { queue = 0, start = 0, run } = took
  await test.database.pool.query(
    `update delegations set started_at = now() - make_interval(secs => $2),
       assigned_at = now() - make_interval(secs => $3), queued_at = now() - make_interval(secs => $4)
     where id = $1`,
    [id, run, run + start, run + start + queue],
  )
  if (status === 'cancelled') await test.request('POST', `/api/jobs/${id}/cancel`)
  else await job.complete({ status })
  await test.database.pool.query(
    'update delegations set completed_at = started_at + make_interval(secs => $2) where id = $1',
    [id, run],
  )
  return id
}

describe('the metrics of the document', () => {
  it('are there from the first start, with zeros', async () => {
    const families = await scrape()
    expect(families.get(jobs)).toMatchObject({
      type: 'counter',
      help: 'Total number of jobs processed',
    })
    for (const status of ['completed', 'failed', 'cancelled']) {
      expect(valueOf(families, jobs, { status })).toBe(0)
    }
    expect(families.get(duration)).toMatchObject({
      type: 'histogram',
      help: 'Job execution duration',
    })
    // GitHub-RunnerHub API Reference, "Metrics".
    for (const le of ['10', '30', '+Inf']) {
      expect(valueOf(families, `${duration}_bucket`, { le })).toBe(0)
    }
  })

  it('count jobs by how they ended, and how long those took that were not cancelled', async () => {
    await runJob('completed', { run: 4 })
    await runJob('completed', { run: 10 })
    await runJob('failed', { run: 29.5 })
    await runJob('cancelled', { run: 40 })
    await runJob('completed', { run: 90_000 })
    // One that never began has no duration.
    const id = await test.delegate({ labels: ['nobody has it'] })
    await test.request('POST', `/api/jobs/${id}/cancel`)
    const families = await scrape()
    const counts = ['completed', 'failed', 'cancelled', 'queued', 'running']
    const shown = counts.map((status) => valueOf(families, jobs, { status }))
    expect(shown).toEqual([3, 1, 2, undefined, undefined])
    const upTo = (le: string) => valueOf(families, `${duration}_bucket`, { le })
    expect(['1', '5', '10', '30', '60', '21600', '+Inf'].map(upTo)).toEqual([0, 1, 2, 3, 3, 3, 4])
    expect(valueOf(families, `${duration}_count`)).toBe(4)
    expect(valueOf(families, `${duration}_sum`)).toBeCloseTo(90_043.5, 3)
  })

  it('stay as they are over restarts, when they are counted, and when jobs are deleted', async () => {
    const shown = async () => {
      const families = await scrape()
      const counted = [
        jobs,
        duration,
        'slipway_runner_queue_seconds',
        'slipway_runner_start_seconds',
      ]
      return counted.map((name) => families.get(name)?.samples)
    }
    await runJob('completed', { queue: 3, start: 0.4, run: 4 })
    await runJob('failed', { queue: 70, start: 2, run: 25 })
    const before = await shown()
    await Promise.all([measure(), measure()])
    expect(await shown()).toEqual(before)
    await measure()
    expect(await shown()).toEqual(before)
    const past = new Date(Date.now() + 60_000)
    const deleted = await pruneDelegations(test.runners, { before: past, logsBefore: past, signal })
    expect(deleted).toBe(2)
    expect(await shown()).toEqual(before)
    await runJob('completed', { run: 1 })
    const after = await scrape()
    expect(valueOf(after, jobs, { status: 'completed' })).toBe(2)
    await measure()
    expect(valueOf(await scrape(), jobs, { status: 'completed' })).toBe(2)
  })

  it('count a job once that is measured at its start and at its end', async () => {
    const id = await test.delegate({ labels: ['ubuntu-latest'] })
    const job = await test.take()
    await job.begin()
    await job.run()
    const waited = (families: Map<string, MetricFamily>) =>
      valueOf(families, 'slipway_runner_queue_seconds_count', { class: 'ubuntu' })
    expect(waited(await scrape())).toBe(1)
    await measure()
    const running = await scrape()
    expect([waited(running), valueOf(running, `${duration}_count`)]).toEqual([1, 0])
    await job.complete()
    await measure()
    const ended = await scrape()
    expect([waited(ended), valueOf(ended, `${duration}_count`)]).toEqual([1, 1])
    expect((await test.show(id)).status).toBe('completed')
  })
})

describe('what is known besides', () => {
  it('is how long jobs of a class waited for a place, and for their container', async () => {
    await runJob('completed', { queue: 3, start: 0.4, run: 4 })
    await runJob('completed', { queue: 70, start: 2, run: 4 }, ['large'])
    // Whoever reports it itself had it from the start.
    const id = await test.delegate({ labels: ['nobody has it'] })
    await test.report(id, { status: 'running' })
    const families = await scrape()
    const samples = (name: string, label: string) =>
      ['0.1', '1', '5', '60', '300'].map((le) =>
        valueOf(families, `slipway_runner_${name}_seconds_bucket`, { class: label, le }),
      )
    expect(samples('queue', 'ubuntu')).toEqual([0, 0, 1, 1, 1])
    expect(samples('queue', 'large')).toEqual([0, 0, 0, 0, 1])
    expect(samples('start', 'ubuntu')).toEqual([0, 1, 1, 1, 1])
    expect(samples('start', 'large')).toEqual([0, 0, 1, 1, 1])
    expect(samples('start', 'none')).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(valueOf(families, 'slipway_runner_queue_seconds_count', { class: 'none' })).toBe(1)
  })

  it('is what waits, what is active, who there is, and how many containers wait', async () => {
    for (const labels of [['large'], ['large'], ['large'], ['nobody has it']]) {
      await test.delegate({ labels, runnerName: 'proxy-1' })
    }
    const job = await test.take()
    await job.begin()
    await job.run()
    await test.request('PUT', '/api/runners/proxy-2', { token: test.serviceToken })
    const families = await scrape(new Map([['large', 2]]))
    expect(valueOf(families, 'slipway_runner_queue_depth', { class: 'large' })).toBe(2)
    expect(valueOf(families, 'slipway_runner_queue_depth', { class: 'none' })).toBe(1)
    expect(valueOf(families, 'slipway_runners_active', { class: 'large' })).toBe(1)
    expect(valueOf(families, 'slipway_runner_pool_size', { class: 'large' })).toBe(2)
    expect(valueOf(families, 'slipway_runners', { type: 'proxy', status: 'busy' })).toBe(1)
    expect(valueOf(families, 'slipway_runners', { type: 'proxy', status: 'idle' })).toBe(1)
    expect(valueOf(families, 'slipway_runners', { type: 'ephemeral', status: 'busy' })).toBe(1)
    const text = JSON.stringify([...families.values()].map(({ samples }) => samples))
    expect(text).not.toContain('owner/repo')
    expect(text).not.toContain('proxy-1')
  })
})
