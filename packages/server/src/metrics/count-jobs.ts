import { Counter, Histogram, type Registry } from 'prom-client'
import type { LedgerFigures } from '../jobs/index.ts'
import type { HandlerFigures } from '../telemetry/index.ts'

const waitBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 1_800]
const runBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600]

/** What this process's ledger gave out and took back. */
export function countLedger(registry: Registry): LedgerFigures {
  const registers = [registry]
  const waits = new Histogram({
    name: 'slipway_job_wait_seconds',
    help: 'From when a job could have been begun until a worker claimed it.',
    labelNames: ['type'],
    buckets: waitBuckets,
    registers,
  })
  const lost = new Counter({
    name: 'slipway_job_attempts_lost_total',
    help: 'Attempts at jobs that came to nothing: failed, lost with their worker, or expired.',
    labelNames: ['type', 'reason'],
    registers,
  })
  const dead = new Counter({
    name: 'slipway_jobs_dead_total',
    help: 'Jobs that were given up after their last attempt was lost or failed.',
    labelNames: ['type'],
    registers,
  })
  return {
    claimed: (type, seconds) => waits.observe({ type }, seconds),
    attemptLost(type, reason, isDead) {
      lost.inc({ type, reason })
      if (isDead) dead.inc({ type })
    },
  }
}

/** What the worker of this process did. */
export function countHandlers(registry: Registry): HandlerFigures {
  const registers = [registry]
  const runs = new Histogram({
    name: 'slipway_job_run_seconds',
    help: 'From the claim of a job until its handler was done, by what came of it.',
    labelNames: ['type', 'outcome'],
    buckets: runBuckets,
    registers,
  })
  return { ran: (type, outcome, seconds) => runs.observe({ type, outcome }, seconds) }
}
