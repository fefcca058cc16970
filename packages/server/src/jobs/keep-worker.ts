import type { Kysely } from 'kysely'
import type { Log } from '../db/log.ts'
import type { Tables } from '../db/tables.gen.ts'
import { giveUpMs, heartbeatMs } from './liveness.ts'
import { type Registration, registerWorker, type WorkerIdentity } from './register-worker.ts'

export type KeepWorkerDeps = KeepTimes & {
  log: Log
} & (
    | {
        /** Of the ledger. */
        db: Kysely<Tables>
      }
    | {
        /** In place of `registerWorker`: what a worker without the database does. */
        register: (worker: WorkerIdentity) => Promise<Registration>
      }
  )

interface KeepTimes {
  /** Milliseconds between heartbeats and until giving up; for tests of the latter. */
  heartbeatMs?: number
  giveUpMs?: number
}

/** A worker that is kept alive. */
export interface KeptWorker {
  /** Stops the heartbeats; the worker's row stays (`releaseWorker` removes it). */
  close(): Promise<void>
}

/**
 * Registers the worker and renews it every `heartbeatMs`. When it could not be renewed for `giveUpMs`,
 * or turns out to have been given up by the others, `onLost` is called, and must abort what the
 * worker has in hand: others are about to begin it again. Afterwards the heartbeats go on, and
 * once one is answered the worker may claim again. Rejects only if the first registration fails.
 */
export async function keepWorker(
  deps: KeepWorkerDeps,
  input: {
    worker: WorkerIdentity
    onLost: () => void
    /** Called once, when the worker is told to take no new jobs. */
    onDrain?: () => void
  },
): Promise<KeptWorker> {
  const register =
    'register' in deps ? deps.register : (worker: WorkerIdentity) => registerWorker(deps, worker)
  const everyMs = deps.heartbeatMs ?? heartbeatMs
  const patienceMs = deps.giveUpMs ?? giveUpMs
  let closed = false
  let beating: Promise<void> | null = null
  let nextBeat: NodeJS.Timeout | null = null
  let giveUp: NodeJS.Timeout | null = null
  // Counted from before the request was sent: the ledger's clock for us began no earlier.
  let renewedAt = performance.now()
  let isDraining = false

  const drainIfTold = ({ draining }: Registration) => {
    if (!draining || isDraining) return
    isDraining = true
    input.onDrain?.()
  }
  const lose = (why: string) => {
    deps.log.warn({ worker_id: input.worker.id }, why)
    input.onLost()
  }
  const renewed = (sentAt: number) => {
    renewedAt = sentAt
    if (giveUp !== null) clearTimeout(giveUp)
    const left = Math.max(0, sentAt + patienceMs - performance.now())
    giveUp = setTimeout(() => lose('no heartbeat was answered: giving up the jobs in hand'), left)
  }
  const beat = async () => {
    const sentAt = performance.now()
    try {
      const registration = await register(input.worker)
      const { known } = registration
      if (closed) return
      drainIfTold(registration)
      const late = performance.now() - renewedAt > patienceMs
      renewed(sentAt)
      if (!known || late) lose('this worker had been given up: aborting the jobs in hand')
    } catch (error) {
      deps.log.warn({ err: error }, 'heartbeat failed')
    }
  }
  const schedule = () => {
    if (closed) return
    nextBeat = setTimeout(() => {
      beating = beat().finally(() => {
        beating = null
        schedule()
      })
    }, everyMs)
  }

  const sentAt = performance.now()
  drainIfTold(await register(input.worker))
  renewed(sentAt)
  schedule()
  return {
    async close() {
      closed = true
      if (nextBeat !== null) clearTimeout(nextBeat)
      await beating
      if (giveUp !== null) clearTimeout(giveUp)
    },
  }
}
