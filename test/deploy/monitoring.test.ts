import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readDocumentedMetrics } from '../support/documented-metrics.ts'
import { repositoryRoot } from '../support/markdown.ts'
import { readExpression } from '../support/promql.ts'

// What deploy/ says about metrics, logs and traces. That docs/metrics.md lists what a server shows is
// proven with a real one: test/docs/metrics.test.ts.

const file = (path: string) => readFile(join(repositoryRoot, 'deploy', path), 'utf8')
const yaml = async <T>(path: string) => parse(await file(path)) as T

let known: Map<string, string[]>
beforeAll(async () => void (known = await readDocumentedMetrics()))

/** Those of Prometheus, of its client, and of the exporter that looks at certificates. */
const foreign = /^(up|probe_ssl_earliest_cert_expiry|process_\w+|nodejs_\w+)$/
const foreignLabels = ['job', 'instance', 'le', 'kind']

function baseOf(metric: string): string {
  return known.has(metric) ? metric : metric.replace(/_(bucket|sum|count)$/, '')
}

/** What is wrong with an expression. */
function problemsOf(expression: string): string[] {
  const { problems, metrics, labels } = readExpression(expression)
  const ours = metrics.filter((metric) => !foreign.test(metric)).map(baseOf)
  const has = new Set([...foreignLabels, ...ours.flatMap((metric) => known.get(metric) ?? [])])
  return [
    ...problems,
    ...(metrics.length === 0 ? [`${expression}: reads nothing`] : []),
    ...ours.filter((metric) => !known.has(metric)).map((metric) => `there is no ${metric}`),
    ...labels
      .filter((label) => !has.has(label))
      .map((label) => `${expression}: nothing in it has a label ${label}`),
  ]
}

describe('the alert rules', () => {
  interface Rule {
    alert: string
    expr: string
    for: string
    labels: Record<string, string>
    annotations: Record<string, string>
  }
  let rules: Rule[]
  beforeAll(async () => {
    const { groups } = await yaml<{ groups: { name: string; rules: Rule[] }[] }>(
      'prometheus/rules/slipway.yaml',
    )
    expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length)
    rules = groups.flatMap((group) => group.rules)
  })

  it('read what there is, in PromQL', () => {
    expect(rules.length).toBeGreaterThan(30)
    for (const { alert, expr } of rules) expect(problemsOf(expr), alert).toEqual([])
  })

  it('have a name of their own, a severity, and words for people', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const rule of rules) {
      expect(rule, rule.alert).toEqual({
        alert: expect.stringMatching(/^Slipway[A-Z]\w+$/) as unknown,
        expr: expect.any(String) as unknown,
        for: expect.stringMatching(/^\d+[mh]$/) as unknown,
        labels: { severity: expect.stringMatching(/^(critical|warning)$/) as unknown },
        annotations: {
          summary: expect.stringMatching(/^[A-Z]/) as unknown,
          description: expect.stringMatching(/[.]$/) as unknown,
        },
      })
    }
  })

  it.each([
    ['a server that is down', /\bup\{job="slipway"\}/],
    ['a queue that grows', /deriv\(slipway_jobs_queued/],
    ['runs that fail', /slipway_runs_finished_total\{status="failed"\}/],
    ['latency', /histogram_quantile\(0\.99.*slipway_http_request_duration_seconds_bucket/],
    ['errors of the API', /slipway_http_requests_total\{status=~"5\.\."\}/],
    ['a worker that is lost', /slipway_worker_last_seen_seconds/],
    ['the lag of NATS', /slipway_job_bus_pending/],
    ['dead letters', /slipway_job_bus_dead_letters/],
    ['the object store', /slipway_object_store_errors_total/],
    ['the database', /slipway_store_statement_up/],
    ['the disk', /slipway_data_directory_free_bytes/],
    ['a certificate', /probe_ssl_earliest_cert_expiry/],
    ['a token', /slipway_token_expiry_timestamp_seconds/],
    ['the outbox', /slipway_events_unnumbered_seconds/],
    ['GitOps that does not reconcile', /slipway_deployment_pending_seconds/],
    ['the budget of GitHub', /slipway_github_budget_remaining/],
  ])('tell of %s', (_what, expression) => {
    expect(rules.filter(({ expr }) => expression.test(expr))).not.toEqual([])
  })
})

describe('the dashboards', () => {
  interface Target {
    expr: string
    datasource: { type: string; uid: string }
  }
  interface Panel {
    id: number
    type: string
    title: string
    gridPos: { x: number; y: number; w: number; h: number }
    datasource?: { type: string; uid: string }
    targets?: Target[]
  }
  interface Dashboard {
    uid: string
    title: string
    panels: Panel[]
    templating: {
      list: {
        name: string
        type: string
        query: string | { query: string }
        current: { value: unknown }
      }[]
    }
  }
  let dashboards: Dashboard[]
  let datasources: { uid: string; type: string }[]
  beforeAll(async () => {
    const names = await readdir(join(repositoryRoot, 'deploy/grafana/dashboards'))
    const texts = names.map((name) => file(`grafana/dashboards/${name}`))
    dashboards = (await Promise.all(texts)).map((text) => JSON.parse(text) as Dashboard)
    ;({ datasources } = await yaml<{ datasources: typeof datasources }>(
      'grafana/provisioning/datasources/slipway.yaml',
    ))
  })

  it('are those of the documents, each with a uid of its own', () => {
    expect(dashboards.map(({ title }) => title).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'Slipway: API',
      'Slipway: infrastructure',
      'Slipway: pipelines',
      'Slipway: workers',
    ])
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(4)
  })

  it('have panels with ids of their own, side by side', () => {
    for (const { title, panels } of dashboards) {
      expect(new Set(panels.map(({ id }) => id)).size, title).toBe(panels.length)
      const taken = new Set<string>()
      for (const { gridPos } of panels) {
        expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(taken.has(`${x} ${y}`), `${title}: two panels at ${x} ${y}`).toBe(false)
            taken.add(`${x} ${y}`)
          }
        }
      }
    }
  })

  it('ask datasources that can be chosen, and are there', () => {
    for (const { title, panels, templating } of dashboards) {
      const chosen = new Map(
        templating.list
          .filter(({ type }) => type === 'datasource')
          .map(({ name, query, current }) => [`\${${name}}`, { type: query, uid: current.value }]),
      )
      for (const { type, uid } of chosen.values()) {
        expect(datasources, title).toContainEqual(expect.objectContaining({ type, uid }))
      }
      for (const panel of panels.filter(({ type }) => type !== 'row')) {
        const asked = [panel, ...(panel.targets ?? [])]
        for (const { datasource } of asked) {
          expect(chosen.get(datasource?.uid ?? '')?.type, panel.title).toBe(datasource?.type)
        }
      }
    }
  })

  it('read what there is, in PromQL', () => {
    let asked = 0
    for (const { title, panels, templating } of dashboards) {
      for (const panel of panels) {
        const ofMetrics = (panel.targets ?? []).filter(
          ({ datasource }) => datasource.type === 'prometheus',
        )
        for (const { expr } of ofMetrics) {
          expect(problemsOf(expr), `${title}: ${panel.title}`).toEqual([])
          asked += 1
        }
      }
      for (const { query } of templating.list) {
        if (typeof query === 'string') continue
        const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query.query) ?? []
        expect(known.get(metric), title).toContain(label)
      }
    }
    expect(asked).toBeGreaterThan(80)
  })
})

describe('what is beside Prometheus and Grafana', () => {
  it('keeps traces for seven days, and takes them where our default port is', async () => {
    const tempo = await yaml<{
      compactor: { compaction: { block_retention: string } }
      distributor: { receivers: { otlp: { protocols: { http: { endpoint: string } } } } }
      server: { http_listen_port: number }
    }>('tempo/tempo.yaml')
    expect(tempo.compactor.compaction.block_retention).toBe(`${7 * 24}h`)
    expect(tempo.distributor.receivers.otlp.protocols.http.endpoint).toBe('0.0.0.0:4318')
    expect(tempo.server.http_listen_port).toBe(3200)
  })

  it('keeps logs, and finds their traces', async () => {
    const loki = await yaml<{
      server: { http_listen_port: number }
      limits_config: { retention_period: string }
      compactor: { retention_enabled: boolean }
    }>('loki/loki.yaml')
    expect(loki).toMatchObject({
      server: { http_listen_port: 3100 },
      limits_config: { retention_period: '720h' },
      compactor: { retention_enabled: true },
    })
    const { datasources } = await yaml<{
      datasources: {
        type: string
        jsonData: { derivedFields?: { matcherRegex: string; datasourceUid: string }[] }
      }[]
    }>('grafana/provisioning/datasources/slipway.yaml')
    const [field] = datasources.find(({ type }) => type === 'loki')?.jsonData.derivedFields ?? []
    const id = '4bf92f3577b34da6a3ce929d0e0e4736'
    const line = JSON.stringify({ level: 'WARN', trace_id: id, msg: 'x' })
    expect(new RegExp(field?.matcherRegex ?? '').exec(line)?.[1]).toBe(id)
  })

  it('scrapes servers with a token, and workers without', async () => {
    const { scrape_configs: jobs, rule_files } = await yaml<{
      rule_files: string[]
      scrape_configs: {
        job_name: string
        metrics_path?: string
        authorization?: { credentials_file: string }
      }[]
    }>('prometheus/prometheus.yml')
    expect(rule_files).toEqual(['rules/*.yaml'])
    const job = (name: string) => jobs.find(({ job_name }) => job_name === name)
    expect(job('slipway')).toMatchObject({
      metrics_path: '/metrics',
      authorization: { credentials_file: expect.any(String) as unknown },
    })
    expect(job('slipway-worker')?.authorization).toBeUndefined()
  })
})
