import type { UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { FoundRelease } from './find-release.ts'
import type { AutomaticAlias } from './release-alias.ts'

/** An alias that has a row, and the release it names. */
export interface StoredAlias {
  type: 'tag' | 'branch' | 'custom'
  release: FoundRelease
}

type OfProject = Pick<FoundRelease, 'repository' | 'project'>

/** The alias as it is now, locked until the transaction ends; null where there is none. */
export async function lockAlias(
  unit: UnitOfWork,
  of: OfProject,
  alias: string,
): Promise<StoredAlias | null> {
  const row = await unit.trx
    .selectFrom('release_aliases')
    .innerJoin('releases', 'releases.id', 'release_aliases.release_id')
    .select([
      'release_aliases.alias_type',
      'releases.id',
      'releases.commit_sha',
      'releases.release_number',
    ])
    .where('release_aliases.repository', '=', of.repository)
    .where('release_aliases.project', '=', of.project)
    .where('release_aliases.alias', '=', alias)
    .forUpdate('release_aliases')
    .executeTakeFirst()
  if (row === undefined) return null
  const { repository, project } = of
  const { id, commit_sha: commitSha, release_number: number } = row
  return { type: row.alias_type, release: { id, repository, project, commitSha, number } }
}

/**
 * Gives a release the alias of its tag or branch. False: it is not new. A tag that names another
 * release is a `resource_conflict`, since a version means one commit for ever; a branch's alias that
 * somebody has taken stays theirs.
 */
export async function addAutomaticAlias(
  unit: UnitOfWork,
  input: { release: FoundRelease; alias: AutomaticAlias; by: string },
): Promise<boolean> {
  const { release, alias, by } = input
  const taken = await lockAlias(unit, release, alias.alias)
  if (taken === null) {
    await insertAlias(unit, { release, alias: alias.alias, type: alias.type, by })
    return true
  }
  if (alias.type === 'tag' && taken.release.id !== release.id) {
    throw aliasTaken(alias.alias, taken, 'a version is never moved')
  }
  return false
}

export async function insertAlias(
  unit: UnitOfWork,
  input: { release: FoundRelease; alias: string; type: StoredAlias['type']; by: string },
): Promise<void> {
  const { release, alias, type, by } = input
  const { repository, project } = release
  await unit.trx
    .insertInto('release_aliases')
    .values({
      repository,
      project,
      alias,
      alias_type: type,
      release_id: release.id,
      created_by: by,
      created_at: unit.now,
    })
    .execute()
}

/** Tells that a release that was there before has got another name, or has lost one. */
export function announceAlias(
  unit: UnitOfWork,
  input: { release: FoundRelease; alias: string; type: StoredAlias['type'] },
  event: 'release.aliased' | 'release.unaliased' = 'release.aliased',
): void {
  const { release, alias, type } = input
  const { id, repository, project, commitSha, number } = release
  unit.emit({
    type: event,
    repository,
    runId: null,
    data: {
      release_id: id,
      repository,
      project,
      commit_sha: commitSha,
      release_number: number,
      alias,
      alias_type: type,
    },
  })
}

export function aliasTaken(alias: string, { release }: StoredAlias, why: string): AppError {
  return new AppError(
    'resource_conflict',
    `${alias} already names release #${release.number}: ${why}`,
    { release_id: release.id, release_number: release.number },
  )
}
