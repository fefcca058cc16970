import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { createEmbeddedJobBus } from '../../packages/server/src/adapters/job-bus/embedded/create-embedded-job-bus.ts'
import type { Signals } from '../../packages/server/src/db/signals.ts'
import { transact } from '../../packages/server/src/db/unit-of-work.ts'
import {
  cancelJobs,
  type JobOwners,
  type LedgerDeps,
  registerWorker,
  settleJob,
} from '../../packages/server/src/jobs/index.ts'
import type { JobBus } from '../../packages/server/src/ports/job-bus.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { quietLog } from '../support/quiet-log.ts'
import type { JobBusWorld } from './job-bus-tools.ts'

export interface EmbeddedWorld extends JobBusWorld {
  readonly ledger: LedgerDeps
  readonly database: TestDatabase
}

/** Embedded buses over one database. */
export async function makeEmbeddedWorld(
  options: { pollMs?: number; owners?: JobOwners; signals?: Signals } = {},
): Promise<EmbeddedWorld> {
  const { pollMs, owners, signals } = options
  return await makeLedgerWorld({
    ...(owners === undefined ? {} : { owners }),
    makeBus: (ledger) =>
      createEmbeddedJobBus({
        ...ledger,
        log: quietLog,
        ...(pollMs === undefined ? {} : { pollMs }),
        ...(signals === undefined ? {} : { signals }),
      }),
  })
}

export interface LedgerWorld extends EmbeddedWorld {
  /** Opens it, and closes it with the world. */
  addBus(bus: JobBus): Promise<JobBus>
}

/** Buses over one database; `wakeJobs` reaches the first of them, as in one server. */
export async function makeLedgerWorld(options: {
  /** Default: one of its own. */
  database?: TestDatabase
  owners?: JobOwners
  makeBus(ledger: LedgerDeps): JobBus
  /** Breaks the connections; by default those to the database. */
  cut?: () => Promise<void>
  beforeClose?: () => Promise<void>
}): Promise<LedgerWorld> {
  const database = options.database ?? (await createTestDatabase())
  const { db } = database
  const buses: JobBus[] = []
  const ledger: LedgerDeps = {
    db,
    owners: options.owners ?? {},
    retryDelayMs: () => 5,
    wakeEvents: () => {},
    wakeJobs: (jobs) => buses[0]?.wake(jobs),
  }
  const addBus = async (bus: JobBus) => {
    buses.push(bus)
    await bus.open()
    return bus
  }
  return {
    ledger,
    database,
    openBus: () => addBus(options.makeBus(ledger)),
    addBus,
    async addWorker(types) {
      const id = randomUUID()
      await registerWorker(ledger, { id, name: 'test', home: `test:/${id}`, types, capacity: 10 })
      return id
    },
    async enqueue(jobs, how) {
      const deps = how === 'unseen' ? { ...ledger, wakeJobs: () => {} } : ledger
      await transact(deps, async (unit) => {
        for (const job of jobs) unit.enqueue(job)
      })
    },
    async read(id) {
      const row = await db
        .selectFrom('jobs')
        .select(['state', 'attempt', 'worker_id as workerId', 'result', 'error'])
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      return row
    },
    async cancel(runId) {
      const stopped = await transact(ledger, (unit) =>
        cancelJobs({ unit, owners: ledger.owners }, { runId }),
      )
      buses[0]?.cancel(stopped)
    },
    settle: (job, workerId) =>
      transact(ledger, (unit) =>
        settleJob(unit, {
          id: job.id,
          attempt: job.attempt,
          workerId,
          state: 'succeeded',
          result: 'settled',
        }),
      ),
    async cutConnections() {
      if (options.cut !== undefined) return await options.cut()
      const admin = new pg.Client({ connectionString: database.adminUrl })
      await admin.connect()
      // With a time limit the function waits until the backend is gone.
      await admin.query(
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`,
      )
      await admin.end()
    },
    async close() {
      await options.beforeClose?.()
      await Promise.all(buses.map((bus) => bus.close()))
      await database.close()
    },
  }
}
