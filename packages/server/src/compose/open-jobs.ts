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
import { openKeptTimes } from '../retention/index.ts'
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
import { configuredTimes, logRetention } from './open-retention.ts'

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
    orchestratedBy: config.orchestrator.kind,
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
  const kept = openKeptTimes({ db: store.db }, configuredTimes(config))
  const duties = startJobDuties(ledger, {
    stopJobs: runs.stopJobs,
    retention: kept,
  })
  resources.add('job duties', duties, (started) => started.close())
  const retention = startDuty(ledger, {
    name: 'retention',
    everyMs: 3_600_000,
    run: async (signal) => {
      const times = await kept.read()
      const since = (ms: number) => new Date(Date.now() - ms)
      const note = async (part: 'events' | 'audit' | 'runs' | 'logs', removed: number) => {
        // What is broken off is gone on with by whoever has the duty then.
        if (!signal.aborted) await kept.note(part, removed)
      }
      const { db } = store
      await note('events', await deleteOldEvents({ db }, { before: since(times.events), signal }))
      await note('audit', await deleteOldAudit({ db }, { before: since(auditKeptMs), signal }))
      const deleteLogs = (prefix: string) => logs.deletePrefix(prefix)
      const oldRuns = { before: since(times.runs), signal }
      await note('runs', await deleteOldRuns({ ...runs, deleteLogs }, oldRuns))
      const removed = await deleteOldLogs(
        {
          ...runs,
          deleteLogs: async (prefix, runId) => {
            await deleteLogs(prefix)
            await deleteLogDocuments({ db }, { runId })
          },
        },
        { retention: logRetention(config, times.logs), now: new Date(), signal },
      )
      await note('logs', removed)
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
  return { bus, runs, ledger, workerSignals, workerId, home, kept }
}
