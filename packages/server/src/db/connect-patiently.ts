import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'

/** Refusals of a database that is away or just starting; nothing of ours was executed. */
const passing = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
])

/** Takes a connection from the pool; while the database is away it asks again, until `timeoutMs` have passed. */
export async function connectPatiently(pool: Pool, timeoutMs: number): Promise<PoolClient> {
  const deadline = performance.now() + timeoutMs
  for (let pause = 10; ; pause = Math.min(pause * 2, 500)) {
    try {
      return await pool.connect()
    } catch (error) {
      if (pool.ending || !isPassing(error) || performance.now() + pause > deadline) throw error
      await sleep(pause)
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isPassing)
  if (!(error instanceof Error)) return false
  if (error.message === 'Connection terminated unexpectedly') return true
  return 'code' in error && typeof error.code === 'string' && passing.has(error.code)
}
