import { randomUUID } from 'node:crypto'
import { createNatsJobBus } from '../../packages/server/src/adapters/job-bus/nats/create-nats-job-bus.ts'
import type {
  NatsJobBus,
  NatsJobBusDeps,
} from '../../packages/server/src/adapters/job-bus/nats/create-nats-job-bus.ts'
import type { NatsOptions } from '../../packages/server/src/adapters/job-bus/nats/nats-options.ts'
import { type LedgerDeps, openWorkLedger } from '../../packages/server/src/jobs/index.ts'
import type { TestDatabase } from '../support/database.ts'
import { quietLog } from '../support/quiet-log.ts'
import type { JobBusWorld } from './job-bus-tools.ts'
import { makeLedgerWorld } from './job-bus-world.ts'

export interface NatsWorld extends JobBusWorld {
  readonly ledger: LedgerDeps
  readonly database: TestDatabase
  readonly connection: NatsOptions
  openBus(over?: Partial<NatsJobBusDeps>): Promise<NatsJobBus>
  /** A bus that has no database, as on a machine of its own. */
  openWorkerBus(over?: Partial<NatsJobBusDeps>): Promise<NatsJobBus>
}

export interface NatsWorldOptions {
  servers: readonly string[]
  /** Milliseconds between two runs of the duty; null: nobody does it. */
  keepMs: number | null
  /** Milliseconds between looks at what is held. */
  pollMs?: number
  replicas?: number
  connection?: Partial<NatsOptions>
  /** Breaks every connection. */
  cut?: () => Promise<void>
}

/** NATS buses over one database, under subjects that no other world has. */
export async function makeNatsWorld(options: NatsWorldOptions): Promise<NatsWorld> {
  const connection: NatsOptions = {
    servers: options.servers,
    credentials: { kind: 'none' },
    tls: null,
    prefix: `w${randomUUID().slice(0, 8)}`,
    ...options.connection,
  }
  const duties = new Set<() => Promise<void>>()
  const buses: NatsJobBus[] = []
  const world = await makeLedgerWorld({
    makeBus: (ledger) => makeBus(ledger, {}),
    beforeClose: async () => {
      await Promise.all([...duties].map((stop) => stop()))
    },
    cut: options.cut ?? (() => Promise.resolve()),
  })
  function makeBus(ledger: LedgerDeps, over: Partial<NatsJobBusDeps>): NatsJobBus {
    const bus = createNatsJobBus({
      connection,
      log: quietLog,
      ledger: openWorkLedger(ledger),
      isOwned: (type) => ledger.owners[type] !== undefined,
      pollMs: options.pollMs ?? 200,
      server: { ledger, replicas: options.replicas ?? 1, graceMs: 100 },
      ...over,
    })
    if (options.keepMs !== null) duties.add(repeat(bus, options.keepMs))
    buses.push(bus)
    return bus
  }
  return {
    ...world,
    connection,
    openBus: async (over = {}) => {
      const bus = await world.addBus(makeBus(world.ledger, over))
      // Somebody has to make the streams.
      await becomesReady(bus)
      return bus as NatsJobBus
    },
    async openWorkerBus(over = {}) {
      const bus = createNatsJobBus({
        connection,
        log: quietLog,
        ledger: openWorkLedger(world.ledger),
        isOwned: () => true,
        pollMs: options.pollMs ?? 200,
        ...over,
      })
      await world.addBus(bus)
      return bus
    },
  }
}

async function becomesReady(bus: { check(): Promise<void> }): Promise<void> {
  const deadline = Date.now() + 20_000
  for (;;) {
    try {
      return await bus.check()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** What a duty does, without a lease. */
function repeat(bus: NatsJobBus, everyMs: number): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let working = Promise.resolve()
  const turn = () => {
    working = bus
      .keep()
      .catch(() => {})
      .then(() => {
        if (!stopped) timer = setTimeout(turn, everyMs)
      })
  }
  turn()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await working
  }
}
