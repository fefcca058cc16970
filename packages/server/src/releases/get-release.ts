import type { Release } from '@slipway/contract/releases'
import type { Kysely } from 'kysely'
import { canSee } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { findRelease, type ReleaseReference } from './find-release.ts'
import { loadRelease } from './release-rows.ts'

/** A release by its id. What the principal may not see is `resource_not_found`. */
export async function getRelease(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; id: string },
): Promise<Release> {
  const release = await loadRelease(deps.db, input.id)
  if (release === null || !canSee(input.principal, release.repository)) {
    throw new AppError('resource_not_found', `There is no release ${input.id}`)
  }
  return release
}

/** A release by alias, number or commit; see `findRelease` for the order and the refusals. */
export async function lookUpRelease(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal } & ReleaseReference,
): Promise<Release> {
  const { principal } = input
  const { id } = await findRelease(deps, input)
  return getRelease(deps, { principal, id })
}
