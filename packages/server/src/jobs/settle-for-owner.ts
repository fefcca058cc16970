import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { encodeError } from './encode-outcome.ts'

/**
 * Ends a job because its owner knows how its work ended, whichever attempt has it; the caller holds
 * the owner's lock. A job that has already ended stays as it is.
 */
export async function settleForOwner(
  unit: UnitOfWork,
  verdict: { id: string; state: 'succeeded' | 'failed'; error: string | null },
): Promise<void> {
  await sql`
    update jobs set state = ${verdict.state}, error = ${encodeError(verdict.error)}, finished_at = now()
     where id = ${verdict.id}::uuid and state in ('queued', 'running')`.execute(unit.trx)
}
