import type { Logger } from 'pino'
import { v7 as uuid } from 'uuid'
import { auditKeptMs, deleteOldAudit } from '../access/index.ts'
import { buildJobOwners } from '../builds/index.ts'
import type { Config } from '../config/read-config.ts'
import { deploymentJobOwners } from '../deployments/index.ts'
import { delegationJobOwners } from '../runners/index.ts'
import { startDuty } from '../duties/index.ts'
import { deleteOldEvents, type EventRelay } from '../events/index.ts'
import {
  createWorkerSignals,
  type LedgerFigures,
  releaseDeadHome,
  startJobDuties,
} from '../jobs/index.ts'
import type { LogStore } from '../logs/index.ts'
import type { Store } from '../open-store.ts'
import type { JobBus } from '../ports/job-bus.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Resources } from '../resources.ts'
import { deleteLogDocuments } from '../search/index.ts'
import {
  deleteOldLogs,
  deleteOldRuns,
  runJobOwners,
  type RunsDeps,
  sealEndedLogs,
} from '../runs/index.ts'
import { dataDirectoryId } from '../server-keys.ts'
import { createJobBus } from './create-job-bus.ts'

const dayMs = 86_400_000

/** The ledger, its bus and its duties. */
export async function openJobs(
  config: Config,
  log: Logger,
  opened: {
    store: Store
    relay: EventRelay
    logs: LogStore
    objects: ObjectStore
    figures: LedgerFigures
  },
  resources: Resources,
) {
  const { store, relay, logs, figures } = opened
  const workerId = uuid()
  const runs: RunsDeps = {
    db: store.db,
    wakeEvents: () => relay.wake(),
    wakeJobs: (notices) => bus.wake(notices),
    stopJobs: (ids) => bus.cancel(ids),
  }
  const owners = {
    ...runJobOwners(runs),
    ...deploymentJobOwners(log),
    ...buildJobOwners(),
    ...delegationJobOwners(),
  }
  const ledger = { ...runs, log, owners, holder: workerId, figures }
  const workerSignals = createWorkerSignals()
  const bus: JobBus = createJobBus(
    config,
    { ledger, objects: opened.objects, signals: store.signals, workers: workerSignals },
    resources,
  )
  const home = await dataDirectoryId(config.dataDir)
  try {
    // This process owns the data directory, so whoever worked from it before is dead.
    const freed = await releaseDeadHome(ledger, { home, workerId })
    if (freed > 0) log.info({ jobs: freed }, 'took over the jobs of a server that had ended')
  } catch (error) {
    log.warn({ err: error }, 'jobs of a server that had ended are left to the duty that frees them')
  }
  await bus.open()
  const duties = startJobDuties(ledger, {
    stopJobs: runs.stopJobs,
    retentionDays: Math.ceil(config.retention.jobsMs / dayMs),
  })
  resources.add('job duties', duties, (started) => started.close())
  const retention = startDuty(ledger, {
    name: 'retention',
    everyMs: 3_600_000,
    run: async (signal) => {
      const { eventsMs, runsMs, logsMs } = config.retention
      const since = (ms: number) => new Date(Date.now() - ms)
      await deleteOldEvents({ db: store.db }, { before: since(eventsMs), signal })
      await deleteOldAudit({ db: store.db }, { before: since(auditKeptMs), signal })
      const deleteLogs = (prefix: string) => logs.deletePrefix(prefix)
      await deleteOldRuns({ ...runs, deleteLogs }, { before: since(runsMs), signal })
      const environments = config.environments.map(({ name, logRetentionDays }) => ({
        name,
        keptMs: logRetentionDays * dayMs,
      }))
      await deleteOldLogs(
        {
          ...runs,
          deleteLogs: async (prefix, runId) => {
            await deleteLogs(prefix)
            await deleteLogDocuments({ db: store.db }, { runId })
          },
        },
        { retention: { undeployedMs: logsMs, environments }, now: new Date(), signal },
      )
    },
  })
  resources.add('retention', retention, (started) => started.close())
  // A duty of this data directory's own.
  const sealing = startDuty(ledger, {
    name: `seal logs of ${home}`,
    everyMs: 60_000,
    run: async (signal) => void (await sealEndedLogs({ db: store.db, logs }, signal)),
  })
  resources.add('sealing', sealing, (started) => started.close())
  return { bus, runs, ledger, workerSignals, workerId, home }
}
