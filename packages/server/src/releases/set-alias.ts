import type { SetAliasResponse } from '@slipway/contract/releases'
import { transact, type UnitOfWorkDeps } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { findRelease, type FoundRelease, type ReleaseReference } from './find-release.ts'
import { requireCustomAlias } from './release-alias.ts'
import {
  aliasTaken,
  announceAlias,
  insertAlias,
  lockAlias,
  type StoredAlias,
} from './write-alias.ts'

/**
 * Gives a release a name of one's own; again is fine. One that names another release is moved with
 * `move` only, a `resource_conflict` otherwise; those of tags and branches are never moved.
 */
export async function setAlias(
  deps: UnitOfWorkDeps,
  input: { principal: Principal; alias: string; move: boolean } & ReleaseReference,
): Promise<SetAliasResponse> {
  const { principal, alias, move } = input
  requireCustomAlias(alias)
  const release = await findRelease(deps, input)
  return transact(deps, async (unit) => {
    const taken = await lockAlias(unit, release, alias)
    if (taken?.release.id === release.id) return response(release, alias, taken.type)
    if (taken !== null) {
      if (taken.type !== 'custom') {
        throw aliasTaken(alias, taken, `the alias of a ${taken.type} is never moved`)
      }
      if (!move) throw aliasTaken(alias, taken, 'add ?move=true to have it name another one')
      await takeAway(unit, taken, alias)
    }
    const added = { release, alias, type: 'custom' } as const
    await insertAlias(unit, { ...added, by: principal.name })
    announceAlias(unit, added)
    return response(release, alias, 'custom')
  })
}

/**
 * Takes a name of one's own away from a release. `resource_not_found` where the release has no such
 * alias; `resource_conflict` for the alias of a tag or branch, and for its number.
 */
export async function deleteAlias(
  deps: UnitOfWorkDeps,
  input: { principal: Principal; alias: string } & ReleaseReference,
): Promise<void> {
  const { alias } = input
  const release = await findRelease(deps, input)
  await transact(deps, async (unit) => {
    if (alias === String(release.number)) throw staysFor(alias, 'number')
    const taken = await lockAlias(unit, release, alias)
    if (taken?.release.id !== release.id) {
      throw new AppError(
        'resource_not_found',
        `Release #${release.number} of ${release.project} has no alias ${alias}`,
      )
    }
    if (taken.type !== 'custom') throw staysFor(alias, taken.type)
    await takeAway(unit, taken, alias)
  })
}

function staysFor(alias: string, type: string): AppError {
  return new AppError(
    'resource_conflict',
    `${alias} is the release's ${type}; only aliases of one's own can be deleted`,
  )
}

async function takeAway(
  unit: Parameters<typeof lockAlias>[0],
  { release, type }: StoredAlias,
  alias: string,
): Promise<void> {
  await unit.trx
    .deleteFrom('release_aliases')
    .where('repository', '=', release.repository)
    .where('project', '=', release.project)
    .where('alias', '=', alias)
    .execute()
  announceAlias(unit, { release, alias, type }, 'release.unaliased')
}

function response(
  release: FoundRelease,
  alias: string,
  type: SetAliasResponse['alias_type'],
): SetAliasResponse {
  return { alias, alias_type: type, release_id: release.id, release_number: release.number }
}
