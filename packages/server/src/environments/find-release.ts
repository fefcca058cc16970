import type { EnvironmentConfig } from '@slipway/forge'
import type { Kysely } from 'kysely'
import { canSee } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

/** A release as far as environments and approvals go. */
export interface ReleaseForPolicy {
  id: string
  repository: string
  project: string
  runId: string | null
  /** What its commit says of environments. */
  environments: readonly EnvironmentConfig[]
}

/**
 * The release of this id, or `resource_not_found` where there is none that the caller may see.
 * `lock` keeps everybody else who locks it waiting until the transaction ends.
 */
export async function findRelease(
  db: Kysely<Tables>,
  input: { principal: Principal; releaseId: string; lock?: boolean },
): Promise<ReleaseForPolicy> {
  const { principal, releaseId, lock = false } = input
  const row = await db
    .selectFrom('releases')
    .select(['id', 'repository', 'project', 'run_id', 'environments'])
    .where('id', '=', releaseId)
    // Not for update: rows that refer to the release can be added meanwhile.
    .$if(lock, (query) => query.forNoKeyUpdate())
    .executeTakeFirst()
  if (row === undefined || !canSee(principal, row.repository)) {
    throw new AppError('resource_not_found', `There is no release ${releaseId}`)
  }
  return {
    id: row.id,
    repository: row.repository,
    project: row.project,
    runId: row.run_id,
    environments: row.environments as EnvironmentConfig[],
  }
}
