// Each operation of the API has a call of the SDK that makes its request, or is left out for a reason.
import { createClient, type SlipwayClient } from '@slipway/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/http.ts'

interface Operation {
  method: string
  path: string
  parameters: { name: string; in: string; required?: boolean }[]
  bodies: string[]
}

let test: TestApp
const operations = new Map<string, Operation>()

beforeAll(async () => {
  test = await createTestApp()
  const { paths } = (await test.request('GET', '/openapi.json', { token: null })).json<{
    paths: Record<string, Record<string, DocumentedOperation>>
  }>()
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { operationId, parameters = [], requestBody }] of Object.entries(methods)) {
      const bodies = Object.keys(requestBody?.content ?? {})
      operations.set(operationId, { method: method.toUpperCase(), path, parameters, bodies })
    }
  }
})
afterAll(() => test.close())

interface DocumentedOperation {
  operationId: string
  parameters?: Operation['parameters']
  requestBody?: { content: object }
}

const leftOut = {
  getLiveness: 'for what restarts servers',
  getReadiness: 'for what sends servers their requests',
  createSession: 'the cookie of the dashboard; programs have tokens',
  endSession: 'the cookie of the dashboard',
  beginSignIn: 'a page that a browser goes to',
  finishSignIn: 'a page that a browser comes back to',
  receiveGithubDelivery: 'sent by GitHub',
  receiveGithubDeliveryOfPipelines: 'sent by GitHub',
  receiveGithubDeliveryOfBuilds: 'sent by GitHub',
  pullJobImage: 'sent by the hooks within a job’s container',
  prepareJobContainer: 'sent by the hooks within a job’s container',
  removeJobContainer: 'sent by the hooks within a job’s container',
  runInJobContainer: 'sent by the hooks within a job’s container',
  runStepContainer: 'sent by the hooks within a job’s container',
} as const

/** Calls that are made of those below. */
const composed = [
  'runs.iterate',
  'runs.watch',
  'releases.iterate',
  'deployments.iterateHistory',
  'deployments.watch',
  'approvals.iterate',
  'tokens.iterate',
  'audit.iterate',
  'search.iterate',
  'webhooks.iterate',
  'webhooks.iterateDeliveries',
  'workers.iterate',
  'secrets.iterate',
  'pipelines.watchStatus',
  'pipelines.watchRun',
  'builds.watch',
  'jobs.watch',
]
/** Calls of sockets, which OpenAPI has no words for. */
const sockets = ['pipelines.subscribe', 'builds.subscribe', 'jobs.subscribe']

/** What is sent is the caller's, in the contract's types; here it is only where it goes to. */
const body = {} as never
const id = 'an-id'
const place = { environment: 'production', repository: 'acme/shop', project: 'api' }
const project = { repository: 'acme/shop', project: 'api' }
const release = { ...project, release: 'v1' }
const asset = {
  type: 'logo',
  targetPath: 'a.png',
  fileName: 'a.png',
  content: new Blob(['a']),
} as const

type Call = (client: SlipwayClient) => Promise<unknown> | AsyncIterable<unknown>

const calls: Record<string, Call | Call[]> = {
  getHealth: (c) => c.health(),
  getServerMetrics: (c) => c.metrics(),
  createRun: (c) => c.runs.create(body),
  listRuns: (c) => c.runs.list({ repository: 'acme/shop', branch: 'main', limit: 1, offset: 0 }),
  getRun: (c) => c.runs.get(id),
  cancelRun: (c) => c.runs.cancel(id),
  createDispatch: (c) => c.dispatches.create(id, body),
  getDispatch: (c) => c.dispatches.get(id, id, { wait: 1 }),
  getDispatchResult: (c) => c.dispatches.result(id, id),
  reportWorkflow: (c) => c.dispatches.reportWorkflow(id, body),
  updateTaskStatus: (c) => c.tasks.updateStatus(id, body),
  updateStepStatus: (c) => c.steps.updateStatus(id, body),
  listWorkers: (c) => c.workers.list({ limit: 1, offset: 0 }),
  drainWorker: (c) => c.workers.drain(id),
  getStepLog: [
    (c) => c.steps.logs(id, { follow: true, after: 1, tail: 1 }),
    (c) => c.steps.logText(id, { follow: true, after: 1, tail: 1 }),
  ],
  followEvents: (c) => c.events.follow({ after: 1, types: ['build.*'], repository: 'a/b' }),
  createToken: (c) => c.tokens.create(body),
  listTokens: (c) => c.tokens.list({ limit: 1, offset: 0 }),
  rotateToken: (c) => c.tokens.rotate(id),
  revokeToken: (c) => c.tokens.revoke(id),
  listRetention: (c) => c.retention.read(),
  previewRetention: (c) => c.retention.preview({ runs: '30d' }),
  changeRetention: (c) => c.retention.change({ runs: '30d' }),
  createTicket: (c) => c.tickets.create(),
  getSession: (c) => c.session.get(),
  getSignInConfiguration: (c) => c.session.configuration(),
  exchangeGithubActionsToken: (c) => c.session.exchangeGithubActions(body),
  listAudit: (c) => c.audit.list({ before: 1, limit: 1 }),
  listSecrets: (c) => c.secrets.list({ repository: 'acme/shop', limit: 1, offset: 0 }),
  putSecret: (c) => c.secrets.set('repository:acme/shop', 'NAME', 'value'),
  deleteSecret: (c) => c.secrets.delete('repository:acme/shop', 'NAME'),
  createRelease: (c) => c.releases.create(body),
  getReleaseById: (c) => c.releases.get(id),
  getRelease: (c) => c.releases.get(release),
  listReleases: (c) => c.releases.list(project, { limit: 1, offset: 0 }),
  setReleaseAlias: (c) => c.releases.setAlias(release, 'stable', { move: true }),
  deleteReleaseAlias: (c) => c.releases.deleteAlias(release, 'stable'),
  createDeployment: (c) => c.deployments.create(body),
  listDeployments: (c) => c.deployments.list({ repository: 'acme/shop', limit: 1, offset: 0 }),
  previewDeployment: (c) => c.deployments.preview(body),
  getDeployment: (c) => c.deployments.get(id),
  updateDeploymentStatus: (c) => c.deployments.report(id, body),
  getCurrentDeployment: (c) => c.deployments.current(place),
  getDeploymentHistory: (c) => c.deployments.history(place, { limit: 1, offset: 0 }),
  listEnvironments: (c) => c.environments.list({ releaseId: id }),
  createApproval: (c) => c.approvals.create(body),
  listApprovals: (c) => c.approvals.list({ environment: 'production', limit: 1, offset: 0 }),
  getApproval: (c) => c.approvals.get(id, 'production'),
  revokeApproval: (c) => c.approvals.revoke(id),
  listOverviewRepositories: (c) => c.overview.repositories({ search: 'a', limit: 1, offset: 0 }),
  listRedPipelines: (c) => c.overview.red(),
  listWaitingForMe: (c) => c.overview.waitingForMe(),
  getBoard: (c) => c.overview.board({ limit: 1, offset: 0 }),
  listWaitingReleases: (c) => c.overview.waiting(),
  batchCancel: (c) => c.batch.cancel(body),
  batchApprove: (c) => c.batch.approve(body),
  batchPromote: (c) => c.batch.promote(body),
  search: (c) => c.search.find({ q: 'error', limit: 1 }),
  createWebhook: (c) => c.webhooks.create(body),
  listWebhooks: (c) => c.webhooks.list({ limit: 1, offset: 0 }),
  getWebhook: (c) => c.webhooks.get(id),
  updateWebhook: (c) => c.webhooks.update(id, body),
  deleteWebhook: (c) => c.webhooks.delete(id),
  testWebhook: (c) => c.webhooks.test(id),
  rotateWebhookSecret: (c) => c.webhooks.rotateSecret(id),
  listWebhookDeliveries: (c) => c.webhooks.deliveries(id, { limit: 1 }),
  getWebhookDelivery: (c) => c.webhooks.delivery(id, id),
  redeliverWebhook: (c) => c.webhooks.redeliver(id, id),
  listPullRequests: (c) => c.pullRequests.list({ repository: 'acme/shop', limit: 1 }),
  approvePullRequest: (c) => c.pullRequests.approve(id),
  listCredentials: (c) => c.credentials.list({ name: 'a', limit: 1, offset: 0 }),
  createCredential: (c) => c.credentials.create(body),
  listCredentialTypes: (c) => c.credentials.types(),
  getCredential: (c) => c.credentials.get(1),
  updateCredential: (c) => c.credentials.update(1, body),
  deleteCredential: (c) => c.credentials.delete(1),
  verifyCredential: (c) => c.credentials.verify(1),
  listRepositories: (c) => c.repositories.list({ name: 'a', limit: 1, offset: 0 }),
  createRepository: (c) => c.repositories.create(body),
  validateRepositoryUrl: (c) => c.repositories.validateUrl(body),
  getRepository: (c) => c.repositories.get(1),
  updateRepository: (c) => c.repositories.update(1, body),
  deleteRepository: (c) => c.repositories.delete(1),
  verifyRepository: (c) => c.repositories.verify(1, body),
  listRepositoryBranches: (c) => c.repositories.branches(1),
  listRegistries: (c) => c.registries.list({ name: 'a', limit: 1, offset: 0 }),
  createRegistry: (c) => c.registries.create(body),
  getRegistry: (c) => c.registries.get(1),
  updateRegistry: (c) => c.registries.update(1, body),
  deleteRegistry: (c) => c.registries.delete(1),
  testRegistry: (c) => c.registries.test(1),
  listBrandingTemplates: (c) => c.branding.list({ name: 'a', limit: 1, offset: 0 }),
  createBrandingTemplate: (c) => c.branding.create(body),
  getBrandingTemplate: (c) => c.branding.get(1),
  updateBrandingTemplate: (c) => c.branding.update(1, body),
  deleteBrandingTemplate: (c) => c.branding.delete(1),
  duplicateBrandingTemplate: (c) => c.branding.duplicate(1, 'copy'),
  previewBranding: (c) => c.branding.preview(1, body),
  listBrandingAssets: (c) => c.branding.assets(1),
  uploadBrandingAsset: (c) => c.branding.addAsset(1, asset),
  getBrandingAsset: (c) => c.branding.asset(1, 2),
  updateBrandingAsset: (c) => c.branding.updateAsset(1, 2, body),
  deleteBrandingAsset: (c) => c.branding.deleteAsset(1, 2),
  downloadBrandingAsset: (c) => c.branding.downloadAsset(1, 2),
  exportBrandingTemplate: (c) => c.branding.export(1),
  importBrandingTemplate: (c) => c.branding.import(new Blob(['{}']), 'name'),
  listConfigurations: (c) => c.configurations.list({ name: 'a', limit: 1, offset: 0 }),
  createConfiguration: (c) => c.configurations.create(body),
  getConfiguration: (c) => c.configurations.get(1),
  getConfigurationUsage: (c) => c.configurations.usage(1),
  updateConfiguration: (c) => c.configurations.update(1, body),
  deleteConfiguration: (c) => c.configurations.delete(1),
  listBuilds: (c) => c.builds.list({ limit: 1, offset: 0 }),
  createBuild: (c) => c.builds.create(body),
  getBuild: (c) => c.builds.get(1),
  cancelBuild: (c) => c.builds.cancel(1),
  retryBuild: (c) => c.builds.retry(1),
  executeBuild: (c) => c.builds.execute(1),
  getBuildLogs: (c) => c.builds.logs(1, { follow: true, after: 1, tail: 1 }),
  listBuildOutputs: (c) => c.builds.outputs(1),
  downloadBuildOutput: (c) => c.builds.download(1),
  listBuildSteps: (c) => c.builds.steps(),
  getBuildStatistics: (c) => c.builds.statistics({ days: 7 }),
  cleanUpBuildOutputs: (c) => c.builds.cleanup(),
  getRepositoryUsage: (c) => c.builds.usage(1),
  delegateJob: (c) => c.jobs.delegate(body),
  listDelegatedJobs: (c) => c.jobs.list({ page: 1, limit: 1, repository: 'acme/shop' }),
  getDelegatedJob: (c) => c.jobs.get(id),
  cancelDelegatedJob: (c) => c.jobs.cancel(id),
  updateDelegatedJobStatus: (c) => c.jobs.report(id, body),
  completeDelegatedJobForProxy: (c) => c.jobs.completeForProxy(id, body),
  getDelegatedJobLogs: [
    (c) => c.jobs.logs(id, { tail: 1 }),
    (c) => c.jobs.followLogs(id, { after: 1 }),
  ],
  listRunners: (c) => c.runners.list({ page: 1, limit: 1 }),
  listRunnerClasses: (c) => c.runners.classes(),
  getRunner: (c) => c.runners.get(id),
  registerRunner: (c) => c.runners.register('name'),
  deleteRunner: (c) => c.runners.delete(id),
  getPipelineStatus: (c) => c.pipelines.status({ repo: 'acme/shop', limit: 1 }),
  getPipelineHistory: (c) => c.pipelines.history('acme/shop', { branch: 'main', page: 1 }),
  getPipelineMetrics: (c) => c.pipelines.metrics({ repository: 'acme/shop', timeRange: '7d' }),
  getPipelineInsights: (c) => c.pipelines.insights({ repository: 'acme/shop', timeRange: '7d' }),
  triggerPipeline: (c) => c.pipelines.trigger(body),
}

/** The request that a call makes; what it makes of the answer is not of interest here. */
async function requestOf(call: Call): Promise<Request> {
  const seen: Request[] = []
  const client = createClient({
    baseUrl: 'http://slipway.example',
    retries: 0,
    fetch: async (input, init) => {
      seen.push(new Request(input, init))
      return new Response('{}', { status: 400 })
    },
  })
  const made = call(client)
  if ('then' in made) await made.catch(() => {})
  else
    await made[Symbol.asyncIterator]()
      .next()
      .catch(() => {})
  const [request] = seen
  if (seen.length !== 1 || request === undefined) throw new Error(`${seen.length} requests`)
  return request
}

describe('the SDK', () => {
  it('has a call for each operation, or a reason to have none', () => {
    const accounted = [...Object.keys(calls), ...Object.keys(leftOut)]
    expect(accounted.toSorted()).toEqual([...operations.keys()].toSorted())
  })

  it.each(Object.entries(calls))('asks for %s as it is documented', async (name, which) => {
    const operation = operations.get(name)
    if (operation === undefined) throw new Error(`There is no operation ${name}`)
    const { method, path, parameters, bodies } = operation
    const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
    for (const call of [which].flat()) {
      const request = await requestOf(call)
      const url = new URL(request.url)
      expect(request.method).toBe(method)
      expect(url.pathname).toMatch(pattern)
      const known = parameters.filter((parameter) => parameter.in === 'query')
      const given = [...url.searchParams.keys()]
      expect(known.map((parameter) => parameter.name)).toEqual(expect.arrayContaining(given))
      const needed = known.filter(({ required }) => required === true).map((each) => each.name)
      expect(given).toEqual(expect.arrayContaining(needed))
      const type = request.headers.get('content-type')?.split(';')[0]
      if (bodies.length > 0) expect(bodies).toContain(type)
      else expect(type).toBeUndefined()
    }
  })

  it('has no call that is neither an operation nor made of some', () => {
    const called = new Set<string>()
    const client = createClient({ baseUrl: 'http://slipway.example' })
    const names = Object.entries(client).flatMap(([family, api]) =>
      typeof api === 'function'
        ? [family]
        : Object.keys(api as object).map((name) => `${family}.${name}`),
    )
    const note = (prefix: string): ProxyHandler<object> => ({
      get: (_target, name) => {
        const full = `${prefix}${String(name)}`
        if (!names.includes(full)) return new Proxy({}, note(`${full}.`))
        called.add(full)
        return async () => {}
      },
    })
    const noting = new Proxy({}, note('')) as SlipwayClient
    for (const call of Object.values(calls).flat()) void call(noting)
    expect([...called, ...composed, ...sockets].toSorted()).toEqual(names.toSorted())
  })
})
