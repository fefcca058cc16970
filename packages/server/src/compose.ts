import { hostname } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import { v7 as uuid } from 'uuid'
import {
  auditKeptMs,
  deleteOldAudit,
  type AdminToken,
  openAuditLog,
  resolveAdminToken,
} from './access/index.ts'
import { createProcessExecutor } from './adapters/executor/process/create-process-executor.ts'
import { openApiTokens } from './adapters/identity/api-tokens.ts'
import { createEmbeddedJobBus } from './adapters/job-bus/embedded/create-embedded-job-bus.ts'
import { createFilesystemObjectStore } from './adapters/object-store/filesystem/filesystem-object-store.ts'
import type { Config } from './config/read-config.ts'
import { startDuty } from './duties/index.ts'
import {
  createEventFeed,
  deleteOldEvents,
  type EventRelay,
  startEventRelay,
} from './events/index.ts'
import { createMirrors } from './git/index.ts'
import { createHttpServer } from './http/app.ts'
import { listen } from './http/listen.ts'
import { createHealthCheck } from './http/system/check-health.ts'
import { keepWorker, releaseDeadHome, releaseWorker, startJobDuties } from './jobs/index.ts'
import { createFileLogStore, createLogLinks, type LogStore } from './logs/index.ts'
import { openStore, type Store } from './open-store.ts'
import type { JobBus, JobSubscription } from './ports/job-bus.ts'
import { createResources, type Resources } from './resources.ts'
import {
  beginAttempt,
  completeDiscovery,
  deleteOldRuns,
  reportWork,
  runJobOwners,
  type RunsDeps,
} from './runs/index.ts'
import { dataDirectoryId, resolveMasterKey } from './server-keys.ts'
import { startWorker, workerTypes } from './worker/index.ts'

const dayMs = 86_400_000

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
  const store = await openStore(config, log, resources)
  const inData = (...names: string[]) => join(config.dataDir, ...names)
  const adminToken = await resolveAdminToken({
    dataDir: config.dataDir,
    configured: config.adminToken,
  })
  const masterKey = await resolveMasterKey({
    dataDir: config.dataDir,
    configured: config.masterKey,
  })

  const objects = createFilesystemObjectStore({ root: inData('objects'), log })
  resources.add('objects', objects, (opened) => opened.close())
  const logs = createFileLogStore({ directory: inData('logs'), objects, log })
  resources.add('logs', logs, (opened) => opened.close())
  const executor = createProcessExecutor({
    stateDir: inData('executor'),
    hide: [config.dataDir],
    allowUnisolated: config.steps.allowUnisolated,
    log,
  })
  // What a dead predecessor left running has ended before any of its jobs is given out again.
  await executor.open()
  resources.add('executor', executor, (opened) => opened.close())

  const events = openEvents(store, log, resources)
  const jobs = await openJobs(config, log, { store, logs, relay: events.relay }, resources)
  const links = createLogLinks(masterKey)
  let ready = false
  const tokens = resources.add(
    'tokens',
    openApiTokens(
      {
        db: store.db,
        onError: (error) => log.warn({ err: error }, 'times of last use were not stored'),
      },
      { adminToken: adminToken.token },
    ),
    (opened) => opened.close(),
  )
  const app = await createHttpServer({
    db: store.db,
    log,
    version,
    trustProxy: config.http.trustProxy,
    identity: tokens,
    audit: openAuditLog({ db: store.db }),
    verifySignedLink: links.verify,
    isReady: () => ready && !stopping.signal.aborted,
    checkHealth: createHealthCheck(
      {
        database: async () => void (await sql`select 1`.execute(store.db)),
        job_bus: () => jobs.bus.check(),
        executor: () => executor.check(),
        object_storage: () => objects.check(),
      },
      { onFailure: (check, error) => log.warn({ err: error, check }, 'unhealthy') },
    ),
    platform: {
      db: store.db,
      runs: jobs.runs,
      logs,
      feed: events.feed,
      signal: stopping.signal,
      logsUrl: (origin, stepId) => (config.http.publicUrl ?? origin) + links.make(stepId),
      forgetToken: (id) => tokens.forget(id),
    },
  })
  const listener = await listen({ app, log }, config.http)
  resources.add('http', listener, (opened) => opened.close())
  const url = config.http.publicUrl ?? listener.url
  await work(config, log, { executor, logs, ...jobs }, resources)
  ready = true
  // Closed first: streams end, and nobody is sent here any more.
  resources.add('readiness', stopping, async (controller) => controller.abort())
  return { url, adminToken, isolation: executor.isolation, close: () => resources.close() }
}

/** The outbox: its relay, its feed and the duty that keeps it bounded. */
function openEvents(store: Store, log: Logger, resources: Resources) {
  const { db, pool, signals } = store
  const shared = { log, ...(signals === undefined ? {} : { signals }) }
  const feed = createEventFeed({ db, ...shared })
  resources.add('feed', feed, (opened) => opened.close())
  const relay = startEventRelay({ pool, publish: (batch) => feed.publish(batch), ...shared })
  resources.add('relay', relay, (opened) => opened.close())
  return { feed, relay }
}

/** The ledger, its bus and its duties. */
async function openJobs(
  config: Config,
  log: Logger,
  opened: { store: Store; relay: EventRelay; logs: LogStore },
  resources: Resources,
) {
  const { store, relay, logs } = opened
  const workerId = uuid()
  const runs: RunsDeps = {
    db: store.db,
    wakeEvents: () => relay.wake(),
    wakeJobs: (notices) => bus.wake(notices),
    stopJobs: (ids) => bus.cancel(ids),
  }
  const ledger = { ...runs, log, owners: runJobOwners(runs), holder: workerId }
  const signals = store.signals === undefined ? {} : { signals: store.signals }
  const bus: JobBus = createEmbeddedJobBus({ ...ledger, ...signals })
  const home = await dataDirectoryId(config.dataDir)
  try {
    // This process owns the data directory, so whoever worked from it before is dead.
    const freed = await releaseDeadHome(ledger, { home, workerId })
    if (freed > 0) log.info({ jobs: freed }, 'took over the jobs of a server that had ended')
  } catch (error) {
    log.warn({ err: error }, 'jobs of a server that had ended are left to the duty that frees them')
  }
  await bus.open()
  resources.add('job bus', bus, (opened) => opened.close())
  const duties = startJobDuties(ledger, {
    stopJobs: runs.stopJobs,
    retentionDays: Math.ceil(config.retention.jobsMs / dayMs),
  })
  resources.add('job duties', duties, (started) => started.close())
  const retention = startDuty(ledger, {
    name: 'retention',
    everyMs: 3_600_000,
    run: async (signal) => {
      const { eventsMs, runsMs } = config.retention
      const since = (ms: number) => new Date(Date.now() - ms)
      await deleteOldEvents({ db: store.db }, { before: since(eventsMs), signal })
      await deleteOldAudit({ db: store.db }, { before: since(auditKeptMs), signal })
      const deleteLogs = (prefix: string) => logs.deletePrefix(prefix)
      await deleteOldRuns({ ...runs, deleteLogs }, { before: since(runsMs), signal })
    },
  })
  resources.add('retention', retention, (started) => started.close())
  return { bus, runs, ledger, workerId, home }
}

/** The worker of this process. */
async function work(
  config: Config,
  log: Logger,
  deps: Awaited<ReturnType<typeof openJobs>> &
    Pick<Parameters<typeof startWorker>[0], 'executor' | 'logs'>,
  resources: Resources,
): Promise<void> {
  const { bus, runs, ledger, workerId, home, executor, logs } = deps
  const { capacity } = config.worker
  const identity = { id: workerId, name: hostname(), home, types: workerTypes, capacity }
  let subscription: JobSubscription | null = null
  const kept = await keepWorker(
    { db: runs.db, log },
    { worker: identity, onLost: () => subscription?.abandon() },
  )
  resources.add('worker', kept, async (worker) => {
    await worker.close()
    await releaseWorker(ledger, { workerId })
  })
  subscription = await startWorker(
    {
      bus,
      control: {
        completeDiscovery: (input) => completeDiscovery(runs, input),
        beginAttempt: (input) => beginAttempt(runs, input),
        reportWork: (input) => reportWork(runs, { principal: null, ...input }),
      },
      executor,
      logs,
      mirrors: createMirrors({ directory: join(config.dataDir, 'mirrors') }),
      log,
      workerId,
      workDirectory: join(config.dataDir, 'work'),
      cacheDirectory: join(config.dataDir, 'cache'),
      gitBaseUrl: config.git.baseUrl,
      stepLimits: {
        outputBytes: config.steps.outputLimitBytes,
        memoryBytes: config.steps.memoryLimitBytes,
        pids: config.steps.pidsLimit,
        cpus: config.steps.cpuLimit,
      },
    },
    { types: workerTypes, capacity },
  )
  resources.add('subscription', subscription, (started) => started.close())
}
