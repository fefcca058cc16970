import type { Deployment } from '@slipway/contract/deployments'
import type { Kysely } from 'kysely'
import { canSee } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { toDeployment } from './deployment-rows.ts'

/** One deployment; `resource_not_found` also for what is hidden. */
export async function getDeployment(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; id: string },
): Promise<Deployment> {
  const id = input.id.toLowerCase()
  const row = await deps.db
    .selectFrom('deployments')
    .innerJoin('releases', 'releases.id', 'deployments.release_id')
    .selectAll('deployments')
    .select('releases.commit_sha')
    .where('deployments.id', '=', id)
    .where('deployments.status', '<>', 'preparing')
    .executeTakeFirst()
  if (row !== undefined && canSee(input.principal, row.repository)) return toDeployment(row)
  throw new AppError('resource_not_found', `There is no deployment ${id}`)
}
