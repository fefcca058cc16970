import { sql } from 'kysely'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'

/**
 * Whatever changes runs or jobs of a repository locks its row first: changes of one repository follow
 * each other, and cannot wait for one another in a circle.
 */
export async function lockRepository(
  { trx }: Pick<UnitOfWork, 'trx'>,
  repositoryId: number,
): Promise<void> {
  const { rows } = await sql`
    select 1 from monitored_repositories where id = ${repositoryId} for no key update
  `.execute(trx)
  if (rows.length === 0) throw new AppError('resource_not_found', 'There is no such repository')
}

/** What was computed of the repository's runs is out of date; whatever deletes runs must say so, too. */
export async function markRunsChanged(
  { trx }: Pick<UnitOfWork, 'trx'>,
  repositoryId: number,
): Promise<void> {
  await sql`
    update monitored_repositories set runs_version = runs_version + 1 where id = ${repositoryId}
  `.execute(trx)
}

/** What was shown of the jobs and artifacts of the repository's runs is out of date. */
export async function markJobsChanged(
  { trx }: Pick<UnitOfWork, 'trx'>,
  repositoryId: number,
): Promise<void> {
  await sql`
    update monitored_repositories set jobs_version = jobs_version + 1 where id = ${repositoryId}
  `.execute(trx)
}
