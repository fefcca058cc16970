import { hostname } from 'node:os'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import { type AdminToken, openAuditLog } from '../access/index.ts'
import type { Config } from '../config/read-config.ts'
import { createHttpServer } from '../http/app.ts'
import { listen } from '../http/listen.ts'
import { createHealthCheck } from '../http/system/check-health.ts'
import { releaseWorker } from '../jobs/index.ts'
import { createLogLinks } from '../logs/index.ts'
import { createResources, type Resources } from '../resources.ts'
import { openBranding } from './open-branding.ts'
import { openBuilds } from './open-builds.ts'
import { checkExecutors, openContainerHost } from './open-container-host.ts'
import { openControl } from './open-control.ts'
import { openDashboard, openHelp } from './open-dashboard.ts'
import { openDelivery } from './open-delivery.ts'
import { openFoundation } from './open-foundation.ts'
import { openHooks } from './open-hooks.ts'
import { openIdentity } from './open-identity.ts'
import { openImageEngine } from './open-image-engine.ts'
import { openExecutor } from './open-executor.ts'
import { openGithub } from './open-github.ts'
import { openGithubMcp } from './open-github-mcp.ts'
import { openGithubQueue, openRunnerRegistration } from './open-github-queue.ts'
import { openMonitor } from './open-monitor.ts'
import { openLogRedirect } from './open-object-store.ts'
import { openOctokit } from './open-octokit.ts'
import { openOrchestration } from './open-orchestration.ts'
import { openRetention } from './open-retention.ts'
import { openRunners } from './open-runners.ts'
import { openWebhooks } from './open-webhooks.ts'
import { openSocketIo, openSockets } from './open-sockets.ts'
import { internalUrlOf } from './open-logs.ts'
import { openWorkerFiles } from './open-worker-files.ts'
import { openWorkerRoutes } from './open-worker-routes.ts'
import { readDockerOptions } from './read-docker-options.ts'
import { allTypes, startWork } from './start-work.ts'

/** Milliseconds that a container has to end that is stopped by its proxy. */
const stopGraceMs = 10_000

/** A server that answers and works. */
export interface RunningServer {
  /** Where it listens. */
  url: string
  adminToken: AdminToken
  /** How steps are isolated. */
  isolation: string
  /** Stops taking requests and jobs, ends what is in hand, closes everything. Repeating is harmless. */
  close(): Promise<void>
}

/** Config → adapters → application: the only place that knows every adapter. */
export async function startServer(
  config: Config,
  log: Logger,
  version: string,
): Promise<RunningServer> {
  const resources = createResources(log)
  try {
    return await start(config, log, version, resources)
  } catch (error) {
    await resources.close()
    throw error
  }
}

async function start(
  config: Config,
  log: Logger,
  version: string,
  resources: Resources,
): Promise<RunningServer> {
  const stopping = new AbortController()
  const foundation = await openFoundation(config, log, version, resources)
  const { store, objects, logs, metrics, tracer, feed, jobs, mirrors, adminToken } = foundation
  const { vault, secrets, credentials, repositories } = foundation
  const docker = await readDockerOptions(config)
  const executor = await openExecutor(config, log, docker, resources, metrics.ports.executor)
  const { images, containerRegistries, openRegistryLogin, ...engine } = openImageEngine(
    config,
    docker,
    credentials,
    resources,
  )
  const containers = await openContainerHost(config, docker, { log, home: jobs.home }, resources)
  const { builds, buildControl } = openBuilds(
    config,
    log,
    {
      unitOfWork: jobs.runs,
      feed,
      logs,
      objects,
      repositories,
      openRegistryLogin,
      images,
      holder: jobs.workerId,
      retention: jobs.kept,
      home: jobs.home,
    },
    resources,
  )
  const { orchestration, checks: orchestrated } = await openOrchestration(
    config,
    log,
    { ...jobs.runs, feed, objects, holder: jobs.workerId },
    resources,
  )
  const octokit = openOctokit(config, version, { request: metrics.github.request, budget() {} })
  metrics.github.watchBudget(() => octokit?.actions.budget() ?? null)
  const { runners, delegationControl } = openRunners(
    config,
    log,
    {
      unitOfWork: jobs.runs,
      ...openRunnerRegistration(jobs.runs, octokit?.runners ?? null),
      stopContainer: (id) => containers.stop(id, stopGraceMs),
      feed,
      logs,
      holder: jobs.workerId,
      retention: jobs.kept,
      home: jobs.home,
    },
    resources,
  )
  const hooks = openHooks(
    {
      runners,
      host: containers,
      images,
      buildNetwork: engine.buildNetwork,
      holder: jobs.workerId,
      home: jobs.home,
    },
    resources,
  )
  const webhooks = openWebhooks(
    config,
    log,
    {
      unitOfWork: jobs.runs,
      feed,
      vault,
      holder: jobs.workerId,
      version,
      tracer,
      figures: metrics.webhooks,
    },
    resources,
  )
  const rest = octokit?.actions ?? null
  const { fallback } = metrics.github
  const actions = openGithubMcp(config, log, { rest, version, fallback }, resources)
  const {
    start: startMonitor,
    workflows,
    ...monitored
  } = openMonitor(
    config,
    log,
    {
      unitOfWork: jobs.runs,
      holder: jobs.workerId,
      actions,
      observe: metrics.github,
    },
    resources,
  )
  const queue = openGithubQueue(
    config,
    log,
    { runners, holder: jobs.workerId, octokit, workflows },
    resources,
  )
  const { github, start: startGithub } = openGithub(
    config,
    log,
    {
      unitOfWork: jobs.runs,
      feed,
      holder: jobs.workerId,
      port: octokit?.github ?? null,
      workflows: queue.workflows,
      tracer,
    },
    resources,
  )
  let url = config.http.publicUrl ?? ''
  const { embedded, checks, artifacts, releases, approvals, deployments } = await openDelivery(
    config,
    log,
    { ...foundation, github: github.github, version, url: () => url },
    resources,
  )
  const control = openControl({
    runs: jobs.runs,
    vaulted: { secrets, repositories },
    deployments,
    releases,
  })
  const branded = await openBranding(config, { db: store.db, objects, repositories, mirrors })
  const links = createLogLinks(foundation.masterKey)
  let ready = false
  const { identity, sessions, forgetToken, signIn } = openIdentity(
    config,
    log,
    { db: store.db, signals: store.signals, adminToken: adminToken.token, vault },
    resources,
  )
  const jobSockets = openSocketIo(
    config,
    log,
    { db: store.db, identity, sessions, feed },
    resources,
  )
  const app = await createHttpServer({
    db: store.db,
    log,
    version,
    trustProxy: config.http.trustProxy,
    identity: metrics.measureIdentity(identity),
    cookies: { sessions, publicUrl: config.http.publicUrl },
    audit: openAuditLog({ db: store.db }),
    verifySignedLink: links.verify,
    verifyServer: foundation.verifyServer,
    isReady: () => ready && !stopping.signal.aborted,
    checkHealth: createHealthCheck(
      {
        database: async () => void (await sql`select 1`.execute(store.db)),
        job_bus: () => jobs.bus.check(),
        executor: () => checkExecutors(config, executor, containers),
        object_storage: () => objects.check(),
        ...checks,
        ...orchestrated,
      },
      {
        degrading: ['job_bus', 'orchestrator'],
        onFailure: (check, error) => log.warn({ err: error, check }, 'unhealthy'),
      },
    ),
    dashboard: await openDashboard(),
    help: await openHelp(),
    oci: { store: embedded, signal: stopping.signal },
    mcp: { publicUrl: config.http.publicUrl },
    metrics,
    tracer,
    answerPolling: jobSockets.answer,
    runners: { runners, hooks, signal: stopping.signal },
    runnerRateLimit: {
      max: config.runnerApi.rateLimit,
      windowMs: config.runnerApi.rateWindowMs,
    },
    builds: {
      credentials,
      repositories,
      registries: containerRegistries,
      ...branded,
      builds,
      signal: stopping.signal,
    },
    status: { ...monitored, signal: stopping.signal },
    anonymousStatus: config.status.anonymous,
    platform: {
      db: store.db,
      retention: openRetention(config, store.db),
      secrets,
      runs: jobs.runs,
      orchestration,
      logs,
      feed,
      signal: stopping.signal,
      ...approvals,
      deployments,
      ...webhooks,
      github,
      releases,
      ...openLogRedirect(config, objects),
      ...openWorkerFiles({ db: store.db }),
      objects,
      receivedLogs: logs,
      ownLogs: foundation.ownLogs,
      ...openWorkerRoutes(config, {
        jobs,
        control,
        builds: buildControl,
        delegations: delegationControl,
        artifacts,
        credentials,
        version,
      }),
      logsUrl: (origin, stepId) => (config.http.publicUrl ?? origin) + links.make(stepId),
      forgetToken,
      signIn,
    },
  })
  const listener = await listen({ app, log }, config.http)
  resources.add('http', listener, (opened) => opened.close())
  url = config.http.publicUrl ?? listener.url
  await foundation.server?.announce(internalUrlOf(config, listener.port))
  const sockets = openSockets(
    config,
    log,
    {
      listener,
      jobSockets,
      db: store.db,
      logs,
      identity,
      sessions,
      feed,
      monitor: monitored.monitor,
    },
    resources,
  )
  metrics.watchSockets(() => sockets.count())
  const { workerId, home } = jobs
  await startWork(
    config,
    log,
    {
      bus: jobs.bus,
      identity: { id: workerId, name: hostname(), home, version },
      types: config.worker.types ?? allTypes,
      keep: { db: store.db, log },
      leave: () => releaseWorker(jobs.ledger, { workerId }),
      executor,
      logs,
      mirrors,
      control,
      artifacts,
      building: { builds: buildControl, objects, images, ...engine },
      delegating: {
        delegations: delegationControl,
        host: containers,
        vault,
        watchPool: metrics.watchPool,
      },
    },
    resources,
  )
  startGithub(url)
  startMonitor()
  queue.start()
  ready = true
  // Closed first: streams end, and nobody is sent here any more.
  resources.add('readiness', stopping, async (controller) => controller.abort())
  return { url, adminToken, isolation: executor.isolation, close: () => resources.close() }
}
