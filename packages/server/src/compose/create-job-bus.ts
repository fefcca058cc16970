import type { Logger } from 'pino'
import { createEmbeddedJobBus } from '../adapters/job-bus/embedded/create-embedded-job-bus.ts'
import { createNatsJobBus } from '../adapters/job-bus/nats/create-nats-job-bus.ts'
import type { Config } from '../config/read-config.ts'
import type { Signals } from '../db/signals.ts'
import { startDuty } from '../duties/index.ts'
import { type LedgerDeps, openWorkLedger, type WorkerSignals } from '../jobs/index.ts'
import type { JobBus } from '../ports/job-bus.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Resources } from '../resources.ts'

/** Milliseconds between two looks for jobs whose message is missing, and for dead letters. */
const keepEveryMs = 5000

/** What moves jobs: NATS where the settings name it, else the ledger itself. It is closed with `resources`. */
export function createJobBus(
  config: Pick<Config, 'nats'>,
  deps: {
    ledger: LedgerDeps & { log: Logger; holder: string }
    objects: ObjectStore
    /** Undefined: there are no other servers. */
    signals: Signals | undefined
    workers: WorkerSignals
  },
  resources: Resources,
): JobBus {
  const { ledger, objects, signals, workers } = deps
  const { log } = ledger
  if (config.nats === null) {
    const others = signals === undefined ? {} : { signals }
    const embedded = createEmbeddedJobBus({ ...ledger, ...others, objects, workers })
    return resources.add('job bus', embedded, (bus) => bus.close())
  }
  const { replicas, ...connection } = config.nats
  const bus = createNatsJobBus({
    connection,
    log,
    ledger: openWorkLedger(ledger),
    isOwned: (type) => ledger.owners[type] !== undefined,
    objects,
    server: { ledger, replicas, workers },
  })
  resources.add('job bus', bus, (opened) => opened.close())
  const duty = startDuty(ledger, {
    name: 'job-bus',
    everyMs: keepEveryMs,
    run: () => bus.keep(),
  })
  bus.onKeep(() => duty.wake())
  resources.add('job bus duty', duty, (started) => started.close())
  return bus
}
