import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { readDocumentedMetrics } from '../support/documented-metrics.ts'
import { createRepository } from '../support/git-repository.ts'
import { type MetricFamily, parseMetrics } from '../support/parse-metrics.ts'
import { startRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// docs/metrics.md against a real server that has done something.

let server: TestServer
let documented: Map<string, string[]>
let families: ReadonlyMap<string, MetricFamily>

beforeAll(async () => {
  documented = await readDocumentedMetrics()
  server = await startTestServer()
  const repository = await createRepository(server.repositories, 'acme/shop')
  const commit = await repository.commit({
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { check: {} } }),
    '.forge/project.json': JSON.stringify({
      name: 'api',
      phases: { check: { steps: [{ name: 'say', run: 'echo hello' }] } },
    }),
  })
  await startRun(server, 'acme/shop', commit)
  await vi.waitFor(
    async () => {
      families = parseMetrics(await (await server.request('GET', '/metrics')).text())
      expect(families.get('slipway_runs_finished_total')?.samples).not.toEqual([])
    },
    { timeout: 40_000, interval: 250 },
  )
}, 60_000)
afterAll(() => server.close())

const isOurs = (name: string) => /^(slipway|github_runnerhub)_/.test(name)

it('lists every metric of ours that there is, and none that there is not', () => {
  expect(documented.size).toBeGreaterThan(50)
  const shown = [...families.keys()].filter(isOurs)
  const byName = (a: string, b: string) => a.localeCompare(b)
  expect([...documented.keys()].toSorted(byName)).toEqual(shown.toSorted(byName))
})

it('names their labels', () => {
  let samples = 0
  for (const [name, family] of families) {
    if (!isOurs(name)) continue
    const wanted = new Set(documented.get(name))
    for (const { labels } of family.samples) {
      const { le: _bound, ...own } = labels
      expect(new Set(Object.keys(own)), name).toEqual(wanted)
      samples += 1
    }
  }
  expect(samples).toBeGreaterThan(100)
})

it('is of names and helps by the conventions of Prometheus', () => {
  for (const [name, { type, help }] of families) {
    if (!isOurs(name)) continue
    expect(help, name).toMatch(/^[A-Z].*\.$|^Total number|^Job execution/)
    if (type === 'counter') expect(name).toMatch(/_total$/)
    if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    if (type === 'gauge') expect(name).not.toMatch(/_total$/)
  }
})

it('shows what a run came to', () => {
  const value = (name: string, labels: Record<string, string> = {}) =>
    families
      .get(name.replace(/_(count|sum)$/, ''))
      ?.samples.find(
        (sample) =>
          sample.name === name &&
          Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted),
      )?.value
  expect(value('slipway_runs_finished_total', { status: 'success' })).toBe(1)
  expect(value('slipway_job_wait_seconds_count', { type: 'task' })).toBe(1)
  const settled = { type: 'task', outcome: 'settled' }
  expect(value('slipway_job_run_seconds_count', settled)).toBe(1)
  expect(value('slipway_executor_starts_total', { executor: 'process', outcome: 'started' })).toBe(
    1,
  )
  expect(value('slipway_executor_ends_total', { executor: 'process', outcome: 'exited' })).toBe(1)
  expect(value('slipway_executor_running', { executor: 'process' })).toBe(0)
  expect(value('slipway_log_bytes_total')).toBe('hello\n'.length)
  expect(value('slipway_identity_checks_total', { outcome: 'accepted' })).toBeGreaterThan(1)
  expect(value('slipway_events_total', { type: 'pipeline.run.created' })).toBe(1)
  expect(value('slipway_job_bus_connected', { bus: 'embedded' })).toBe(1)
  expect(value('slipway_database_connections', { state: 'waiting' })).toBe(0)
  expect(value('slipway_data_directory_free_bytes')).toBeGreaterThan(0)
})
