// The chart, rendered by Go's templates, each object held to the published schemas and to what servers know.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { layOut } from '../../packages/server/src/adapters/job-bus/nats/layout.ts'
import { readConfig } from '../../packages/server/src/config/read-config.ts'
import { settings } from '../../packages/server/src/config/settings.ts'
import {
  type ChartObject,
  type HelmChart,
  openHelmChart,
  type Values,
} from '../support/helm-chart.ts'
import { chartTypes } from '../support/kubernetes/chart-types.ts'
import { codeSpans, fencedBlocks, repositoryRoot } from '../support/markdown.ts'

const workers = { enabled: true, existingSecret: 'slipway-worker' }
const full: Values = {
  publicUrl: 'https://slipway.example.com',
  image: { repository: 'registry.example.com/slipway', tag: '1.2.3', pullSecrets: ['registry'] },
  settings: { SLIPWAY_LOG_LEVEL: 'debug', GIT_BASE_URL: 'https://git.example.com' },
  config: { retention: { runs: '30d' }, environments: { staging: { autoDeploy: true } } },
  secrets: { existingSecret: 'slipway-secrets' },
  database: { existingSecret: 'slipway-database' },
  nats: { url: 'tls://nats:4222', existingSecret: 'slipway-nats', prefix: 'ci', replicas: 3 },
  s3: {
    bucket: 'slipway',
    endpoint: 'https://s3.example.com',
    publicEndpoint: 'https://files.example.com',
    existingSecret: 'slipway-s3',
  },
  oidc: { issuer: 'https://sso.example.com/realms/slipway' },
  gitops: { repositoryUrl: 'https://git.example.com/ops/gitops.git', credential: 'gitops' },
  executor: { sharedVolume: true, runtimeClass: 'gvisor' },
  server: {
    replicas: 3,
    persistence: { size: '40Gi', storageClass: 'shared' },
    podAnnotations: { 'example.com/team': 'platform' },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'ci', operator: 'Exists' }],
    priorityClassName: 'high',
  },
  ingress: {
    enabled: true,
    className: 'nginx',
    host: 'slipway.example.com',
    tlsSecret: 'slipway-tls',
    annotations: { 'nginx.ingress.kubernetes.io/proxy-buffering': 'off' },
  },
  workers: { ...workers, keda: { enabled: true, trigger: 'nats' } },
  argo: { enabled: true, namespace: 'argo' },
  networkPolicy: {
    serverFrom: [{ namespaceSelector: { matchLabels: { name: 'ingress' } } }],
    metricsFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
  },
  metrics: {
    serviceMonitor: {
      enabled: true,
      tokenSecret: 'slipway-metrics',
      labels: { release: 'monitoring' },
    },
    rules: { enabled: true, labels: { release: 'monitoring' } },
  },
  tracing: { endpoint: 'http://tempo:4318' },
}
const valueSets: [string, Values][] = [
  ['the defaults', {}],
  ['workers', { workers }],
  ['workers scaled by Prometheus', { workers: { ...workers, keda: { enabled: true } } }],
  ['Argo Workflows in the same namespace', { argo: { enabled: true } }],
  ['everything', full],
]

let chart: HelmChart
beforeAll(async () => void (chart = await openHelmChart('slipway')), 180_000)
afterAll(() => chart?.close())

interface PodSpec {
  serviceAccountName?: string
  automountServiceAccountToken?: boolean
  enableServiceLinks?: boolean
  terminationGracePeriodSeconds: number
  securityContext: object
  volumes: { name: string }[]
  topologySpreadConstraints?: unknown[]
  containers: {
    image: string
    args: string[]
    env: {
      name: string
      value?: string
      valueFrom?: { secretKeyRef?: { name: string; key: string } }
    }[]
    envFrom?: unknown[]
    resources: { requests?: object; limits?: { memory?: string } }
    securityContext: object
    volumeMounts: { name: string; mountPath: string }[]
    livenessProbe?: object
  }[]
}
interface Stateful {
  serviceName: string
  replicas?: number
  selector: { matchLabels: Record<string, string> }
  template: { metadata: { labels: Record<string, string> }; spec: PodSpec }
  volumeClaimTemplates: { metadata: { name: string }; spec: { accessModes: string[] } }[]
}

const find = (objects: ChartObject[], kind: string, name: string): ChartObject => {
  const found = objects.find((each) => each.kind === kind && each.metadata.name === name)
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`)
  return found
}
const statefulOf = (objects: ChartObject[], name: string) =>
  find(objects, 'StatefulSet', name).spec as Stateful
const podsOf = (objects: ChartObject[]): PodSpec[] =>
  objects
    .filter(({ kind }) => kind === 'StatefulSet' || kind === 'Job')
    .map(({ spec }) => (spec as Stateful).template.spec)
/** As the kubelet would have it in the pod, with a value for what is in Secrets. */
function environmentOf({ containers: [container] }: PodSpec): Record<string, string> {
  const secrets: Record<string, string> = { DATABASE_URL: 'postgres://u:p@db:5432/slipway' }
  const entries = (container?.env ?? []).map(({ name, value }): [string, string] => [
    name,
    (value ?? secrets[name] ?? 'x')
      .replaceAll('$(POD_NAME)', 'slipway-0')
      .replaceAll('$(NODE_NAME)', 'node-1'),
  ])
  expect(new Set(entries.map(([name]) => name)).size).toBe(entries.length)
  return Object.fromEntries(entries.filter(([name]) => !/^(POD|NODE)_NAME$/.test(name)))
}

describe.each(valueSets)('with %s', (_, values) => {
  let objects: ChartObject[]
  beforeAll(async () => {
    expect(chart.problems(values)).toEqual([])
    objects = await chart.render(values)
  })

  it('every object is as the published schemas have it, and there once', () => {
    for (const object of objects) {
      const group = object.apiVersion.includes('/') ? '' : '/'
      const type = chartTypes.get(`${group}${object.apiVersion}/${object.kind}`)
      expect(type, `${object.apiVersion} ${object.kind}`).toBeDefined()
      expect({ [object.metadata.name]: type?.validate(object) }).toEqual({
        [object.metadata.name]: [],
      })
    }
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(names).toEqual([...new Set(names)])
  })

  it('pods are restricted', () => {
    const pods = podsOf(objects)
    expect(pods.length).toBeGreaterThan(0)
    for (const pod of pods) {
      expect(pod.enableServiceLinks).toBe(false)
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 10001,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect(container.resources.limits?.memory).toBeDefined()
        expect(container.resources.requests).toBeDefined()
        const mounted = container.volumeMounts.map(({ name }) => name)
        const there = [...pod.volumes.map(({ name }) => name), 'data']
        expect(there).toEqual(expect.arrayContaining(mounted))
      }
    }
  })

  it('servers and workers get settings that they would start with', async () => {
    for (const pod of podsOf(objects)) {
      const env = environmentOf(pod)
      expect(Object.keys(env).filter((name) => !Object.hasOwn(settings, name))).toEqual([])
      // Files of the pod are not on this machine.
      const { SLIPWAY_CONFIG: _config, NATS_CREDENTIALS: _creds, ...rest } = env
      await expect(readConfig(rest)).resolves.toBeDefined()
    }
  })

  it('selects the pods that are meant', () => {
    for (const { kind, spec } of objects) {
      if (kind !== 'StatefulSet') continue
      const { selector, template, serviceName } = spec as Stateful
      expect(template.metadata.labels).toMatchObject(selector.matchLabels)
      const service = find(objects, 'Service', serviceName).spec as {
        clusterIP: string
        selector: object
      }
      expect(service.clusterIP).toBe('None')
      expect(service.selector).toEqual(selector.matchLabels)
    }
  })

  it('no secret is in an object', () => {
    expect(objects.map(({ kind }) => kind)).not.toContain('Secret')
  })
})

describe('the chart', () => {
  it('gives each server and worker the claim that its steps mount, and its address', async () => {
    const objects = await chart.render({ workers })
    for (const name of ['slipway', 'slipway-worker']) {
      const { template, volumeClaimTemplates } = statefulOf(objects, name)
      const env = environmentOf(template.spec)
      expect(env['KUBERNETES_VOLUME_CLAIM']).toBe(
        `${volumeClaimTemplates[0]?.metadata.name}-slipway-0`,
      )
      expect(env['SLIPWAY_DATA_DIR']?.startsWith(`${env['KUBERNETES_VOLUME_PATH']}/`)).toBe(true)
      expect(env['KUBERNETES_NODE_SELECTOR']).toBe('kubernetes.io/hostname=node-1')
      expect(env['SLIPWAY_COMPAT_PORTS']).toBe('')
    }
    const server = environmentOf(statefulOf(objects, 'slipway').template.spec)
    expect(server['SLIPWAY_INTERNAL_URL']).toBe('http://slipway-0.slipway-servers:3000')
    expect(server['SLIPWAY_WORKER_TYPES']).toBe('release,deployment')
    const worker = statefulOf(objects, 'slipway-worker').template.spec
    const drain = environmentOf(worker)['SLIPWAY_DRAIN_TIMEOUT'] ?? ''
    expect(worker.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(
      settings.SLIPWAY_DRAIN_TIMEOUT.parse(drain),
    )
  })

  it('takes what is secret from Secrets alone', async () => {
    const objects = await chart.render(full)
    const [container] = statefulOf(objects, 'slipway').template.spec.containers
    const references = (container?.env ?? [])
      .filter(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined)
      .map(({ name, valueFrom }) => [name, valueFrom?.secretKeyRef?.name])
    expect(references).toEqual([
      ['DATABASE_URL', 'slipway-database'],
      ['S3_ACCESS_KEY_ID', 'slipway-s3'],
      ['S3_SECRET_ACCESS_KEY', 'slipway-s3'],
    ])
    expect(container?.envFrom).toEqual([{ secretRef: { name: 'slipway-secrets' } }])
  })

  it('lets a setting of the values go before its own', async () => {
    const objects = await chart.render({
      workers: { ...workers, settings: { SLIPWAY_STEP_PIDS_LIMIT: 99 } },
      settings: { SLIPWAY_STEP_PIDS_LIMIT: 5, KUBERNETES_START_TIMEOUT: '2m' },
      server: { types: [], settings: { S3_LINKS: false } },
    })
    const server = environmentOf(statefulOf(objects, 'slipway').template.spec)
    expect(server).toMatchObject({
      SLIPWAY_STEP_PIDS_LIMIT: '5',
      KUBERNETES_START_TIMEOUT: '2m',
      S3_LINKS: 'false',
      SLIPWAY_WORKER_TYPES: '',
    })
    const worker = environmentOf(statefulOf(objects, 'slipway-worker').template.spec)
    expect(worker).toMatchObject({ SLIPWAY_STEP_PIDS_LIMIT: '99', KUBERNETES_START_TIMEOUT: '2m' })
  })

  it('allows servers what the manifests for hand-made installations do', async () => {
    const objects = await chart.render(full)
    const rulesOf = (object: unknown) => (object as { rules: unknown }).rules
    const shipped = async (file: string, kind: string) =>
      parseAllDocuments(await readFile(join(repositoryRoot, 'deploy', file), 'utf8'))
        .map((document) => document.toJS() as ChartObject)
        .find((object) => object.kind === kind)
    const cases = [
      ['Role', 'slipway-executor', 'kubernetes/role.yaml'],
      ['Role', 'slipway-orchestrator', 'argo/role.yaml'],
      ['Role', 'slipway-dispatcher', 'argo/dispatcher.yaml'],
    ] as const
    for (const [kind, name, file] of cases) {
      expect(rulesOf(find(objects, kind, name))).toEqual(rulesOf(await shipped(file, kind)))
    }
    expect(find(objects, 'NetworkPolicy', 'slipway-no-network').spec).toEqual(
      (await shipped('kubernetes/network-policy.yaml', 'NetworkPolicy'))?.spec,
    )
    expect(find(objects, 'WorkflowTemplate', 'slipway-run').spec).toEqual(
      (await shipped('argo/workflow-template.yaml', 'WorkflowTemplate'))?.spec,
    )
  })

  it('has the alerts of deploy/prometheus', async () => {
    const rule = find(await chart.render(full), 'PrometheusRule', 'slipway')
    const path = join(repositoryRoot, 'deploy/prometheus/rules/slipway.yaml')
    expect(rule.spec).toEqual(parse(await readFile(path, 'utf8')))
  })

  it('scales workers by the streams and consumers that servers make, with their prefix', async () => {
    const prefix = 'ci'
    const all = [...layOut(prefix).byType.keys()]
    const objects = await chart.render({
      ...full,
      workers: { ...workers, types: all, capacity: 3, keda: { enabled: true, trigger: 'nats' } },
    })
    expect(statefulOf(objects, 'slipway-worker').replicas).toBeUndefined()
    const { triggers } = find(objects, 'ScaledObject', 'slipway-worker').spec as {
      triggers: { name: string; metadata: Record<string, string> }[]
    }
    expect(triggers.map(({ name }) => name)).toEqual(all)
    for (const { name, metadata } of triggers) {
      const { stream, consumer } = layOut(prefix).byType.get(name) ?? {}
      expect(metadata).toMatchObject({ stream, consumer, lagThreshold: '3' })
    }
  })

  it('brings the database up to date before a new version, without anything of the release', async () => {
    const job = find(await chart.render(full), 'Job', 'slipway-migrate')
    expect(job.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' })
    const { spec: pod } = (job.spec as Stateful).template
    expect(pod.serviceAccountName).toBeUndefined()
    expect(pod.automountServiceAccountToken).toBe(false)
    expect(pod.containers[0]?.args).toEqual(['migrate'])
    const kinds = (await chart.render({})).map(({ kind }) => kind)
    expect(kinds).not.toContain('Job')
  })

  it('takes the values that docs/operations.md shows, and has those that it names', async () => {
    const page = await readFile(join(repositoryRoot, 'docs/operations.md'), 'utf8')
    const [shown] = fencedBlocks(page).filter(({ language }) => language === 'yaml')
    const values = parse(shown?.content ?? '') as Values
    expect(values).toHaveProperty('publicUrl')
    expect(chart.problems(values)).toEqual([])
    const kinds = (await chart.render(values)).map(({ kind }) => kind)
    expect(kinds).toEqual(expect.arrayContaining(['StatefulSet', 'Ingress', 'Job']))
    const defaults = parse(
      await readFile(join(repositoryRoot, 'deploy/helm/slipway/values.yaml'), 'utf8'),
    ) as Values
    const named = codeSpans(page).filter((code) => /^(executor|workers)\.\w+$/.test(code))
    expect(named.length).toBeGreaterThan(1)
    for (const name of named) expect(defaults).toHaveProperty(name)
  })

  it.each<[string, Values]>([
    ['/server must NOT have additional properties', { server: { replica: 2 } }],
    ['/server/replicas must be integer', { server: { replicas: '2' } }],
    ['/server/replicas must be >= 1', { server: { replicas: 0 } }],
    ['/settings property name must be valid', { settings: { SLIPWAY_ADMIN_TOKEN: 'x' } }],
    ['/settings property name must be valid', { settings: { DATABASE_URL: 'postgres://u:p@h/d' } }],
    ['/workers/types/0 must be equal to one of the allowed values', { workers: { types: ['x'] } }],
    ['/nats/replicas must be equal to one of the allowed values', { nats: { replicas: 2 } }],
    ['/image/digest must match pattern', { image: { digest: 'sha256:1' } }],
    ['/ must NOT have additional properties', { serer: {} }],
  ])('refuses values by its schema: %s', (problem, values) => {
    const found = chart.problems(values).map((each) => each.replace(/^ /, '/ '))
    expect(found).toContainEqual(expect.stringContaining(problem))
  })

  it.each<[string, Values]>([
    ['needs database.existingSecret', { server: { replicas: 2 } }],
    ['needs s3.bucket', { ...full, s3: { bucket: '' } }],
    ['needs gitops.repositoryUrl', { ...full, gitops: { repositoryUrl: '' } }],
    ['need a token of the role worker', { workers: { enabled: true } }],
    ['nats needs nats.url', { workers: { ...workers, keda: { enabled: true, trigger: 'nats' } } }],
    ['must hold no password', { nats: { url: 'nats://u:p@nats:4222' } }],
    ['ingress.host: is needed', { ingress: { enabled: true } }],
    ['show their metrics to a token', { metrics: { serviceMonitor: { enabled: true } } }],
  ])('refuses what cannot work: %s', async (problem, values) => {
    await expect(chart.render(values)).rejects.toThrow(problem)
  })
})
