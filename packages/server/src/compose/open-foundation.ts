import { join } from 'node:path'
import type { Logger } from 'pino'
import { resolveAdminToken } from '../access/index.ts'
import type { Config } from '../config/read-config.ts'
import { createMirrors } from '../git/index.ts'
import { openMetrics } from '../metrics/index.ts'
import { openStore } from '../open-store.ts'
import type { Resources } from '../resources.ts'
import { resolveMasterKey } from '../server-keys.ts'
import { openTracer, traceJobs } from '../telemetry/index.ts'
import { openEvents } from './open-events.ts'
import { openJobs } from './open-jobs.ts'
import { openLogs } from './open-logs.ts'
import { openLogTagging, openObjectStore } from './open-object-store.ts'
import { openSearch } from './open-search.ts'
import { openSecrets } from './open-secrets.ts'
import { startEventPublishing } from './start-event-publishing.ts'

/** What all families stand on: the database, keys, files, events, jobs, what is secret. */
export async function openFoundation(
  config: Config,
  log: Logger,
  version: string,
  resources: Resources,
) {
  const { dataDir } = config
  const store = await openStore(config, log, resources)
  const adminToken = await resolveAdminToken({ dataDir, configured: config.adminToken })
  const masterKey = await resolveMasterKey({ dataDir, configured: config.masterKey })
  const metrics = openMetrics({ db: store.db, log, version, dataDir })
  metrics.watchDatabase(store.pool)
  const tracing = resources.add(
    'traces',
    await openTracer({ log, version, figures: metrics.traces }, config.tracing),
    (opened) => opened.close(),
  )
  const { tracer } = tracing
  const objects = metrics.ports.objects(await openObjectStore(config, log, resources))
  const sharing = await openLogs(config, log, { store, objects, masterKey, version }, resources)
  const logs = metrics.ports.logs(sharing.logs)
  const events = openEvents(store, log, metrics.observeEvents, resources)
  const opened = await openJobs(
    config,
    log,
    { store, logs, objects, relay: events.relay, figures: metrics.ledger },
    resources,
  )
  const { workerId } = opened
  const bus = traceJobs(opened.bus, { tracer, workerId, figures: metrics.handlers })
  metrics.watchJobBus(opened.bus)
  const jobs = { ...opened, bus }
  const { feed } = events
  openLogTagging(config, log, { store, feed, objects, holder: jobs.workerId }, resources)
  const holder = jobs.workerId
  startEventPublishing({ db: store.db, log, feed, holder, bus: opened.bus }, resources)
  openSearch(log, { store, logs, feed: events.feed, holder: jobs.workerId }, resources)
  const vaulted = await openSecrets(config, log, { store, masterKey })
  const mirrors = createMirrors({
    directory: join(dataDir, 'mirrors'),
    accessDirectory: join(dataDir, 'git-access'),
  })
  const measured = { metrics, tracer }
  return {
    store,
    adminToken,
    masterKey,
    objects,
    ...sharing,
    logs,
    feed,
    jobs,
    mirrors,
    ...measured,
    ...vaulted,
  }
}

export type Foundation = Awaited<ReturnType<typeof openFoundation>>
