import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../db/tables.gen.ts'
import { GitOpsError } from './gitops-error.ts'

/** Longer than a commit may take, so that one behind a slow one still gets its turn. */
const waitMs = 29_000

/**
 * Makes what runs `work` while no other server on the database does. Whoever dies lets go: the lock
 * is that of a transaction, which stays open meanwhile and holds nothing else.
 */
export function lockAcrossServers(db: Kysely<Tables>): <T>(work: () => Promise<T>) => Promise<T> {
  return async <T>(work: () => Promise<T>): Promise<T> => {
    let done: { result: T } | undefined
    try {
      return await db.transaction().execute(async (trx) => {
        await sql`select set_config('lock_timeout', ${String(waitMs)}, true)`.execute(trx)
        await sql`select pg_advisory_xact_lock(hashtextextended('slipway: gitops', 0))`.execute(trx)
        const result = await work()
        done = { result }
        return result
      })
    } catch (error) {
      // What is done is done, also if the connection that held the lock has gone by now.
      if (done !== undefined) return done.result
      if (isLockTimeout(error)) {
        throw new GitOpsError('Another server has been at the GitOps repository for too long', {
          cause: error,
        })
      }
      throw error
    }
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03'
}
