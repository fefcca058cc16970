import { sql } from 'kysely'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import { holdsJob, type JobClaim } from '../jobs/index.ts'
import type { ReleasesDeps } from './deps.ts'
import { pushRelease, restoreTag } from './push-release.ts'
import { canonicalId, type ReleaseDraft } from './release-draft.ts'
import {
  type ExistingRelease,
  findExisting,
  storeRelease,
  type StoredRelease,
} from './store-release.ts'

/** The attempt of a task that makes a release. */
export interface ReleaseClaim extends JobClaim {
  runId: string
}

/**
 * Pushes a release and then stores it, or answers the one that the commit has already. No lock is
 * held while it is pushed; what was pushed and not stored is known to nobody. With a `claim`, it is
 * stored only while the claim is good, a `resource_conflict` otherwise.
 */
export async function makeRelease(
  deps: ReleasesDeps,
  input: { draft: ReleaseDraft; claim: ReleaseClaim | null },
  signal: AbortSignal,
): Promise<{ stored: StoredRelease } | { existing: ExistingRelease }> {
  const { draft, claim } = input
  // Of two that push the same tag one loses, and its content must not be the tag's.
  return deps.turns.take(canonicalId(draft), signal, async () => {
    const before = await findExisting(deps.db, draft)
    if (before !== null) return { existing: before }
    const pushed = await pushRelease(deps, { draft, createdAt: new Date() }, signal)
    try {
      return await transact(deps, async (unit) => {
        if (claim !== null) await requireClaim(unit, claim)
        const result = await storeRelease(unit, { draft, pushed })
        if ('existing' in result) throw new LostRace(result.existing)
        return result
      })
    } catch (error) {
      // Whoever was overtaken, by another server or by the next attempt, has moved the tag.
      const existing =
        error instanceof LostRace ? error.existing : await findExisting(deps.db, draft)
      if (existing !== null && existing.digest !== pushed.digest) {
        await restoreTag(deps, existing, signal)
      }
      if (existing === null || !(error instanceof LostRace)) throw error
      return { existing }
    }
  })
}

/** Rolls the transaction back, and with it the number that was taken. */
class LostRace extends Error {
  override readonly name = 'LostRace'
  readonly existing: ExistingRelease

  constructor(existing: ExistingRelease) {
    super('another server released this commit meanwhile')
    this.existing = existing
  }
}

/** Locks the run, so that it cannot end between here and the commit. */
export async function requireClaim(unit: UnitOfWork, claim: ReleaseClaim): Promise<void> {
  const { rows } = await sql`
    select 1 from runs where id = ${claim.runId} and status in ('pending', 'running')
    for update`.execute(unit.trx)
  if (rows.length === 1 && (await holdsJob(unit, claim))) return
  throw new AppError('resource_conflict', 'The task is no longer this worker’s', {
    reason: claimLost,
  })
}

const claimLost = 'claim_lost'

/** Whether this is the refusal of a worker whose task is another's by now, and not of the release. */
export function isClaimLost(error: unknown): boolean {
  return error instanceof AppError && error.details?.['reason'] === claimLost
}
