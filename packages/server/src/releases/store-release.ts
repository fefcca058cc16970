import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import type { FoundRelease } from './find-release.ts'
import type { PushedRelease } from './push-release.ts'
import { automaticAlias } from './release-alias.ts'
import type { ReleaseDraft } from './release-draft.ts'
import { addAutomaticAlias } from './write-alias.ts'

/** A release that has just been stored. */
export interface StoredRelease extends FoundRelease {
  uri: string
  digest: string
  createdAt: Date
  aliases: string[]
}

/** The release that a commit of a project has already. */
export type ExistingRelease = FoundRelease & { uri: string; digest: string }

/**
 * Gives a release its number, stores it and announces it; all creations of a project from here on
 * wait for this transaction. Answers the one that is there instead where the commit has one, which
 * is a reason to roll back: the number has been taken.
 */
export async function storeRelease(
  unit: UnitOfWork,
  input: { draft: ReleaseDraft; pushed: PushedRelease },
): Promise<{ stored: StoredRelease } | { existing: ExistingRelease }> {
  const { draft, pushed } = input
  const { repository, project, commitSha, runId, trigger } = draft
  const number = await nextNumber(unit, draft)
  const existing = await findExisting(unit.trx, draft)
  if (existing !== null) return { existing }
  const id = uuid()
  await unit.trx
    .insertInto('releases')
    .values({
      id,
      repository,
      project,
      commit_sha: commitSha,
      release_number: number,
      run_id: runId,
      oci_uri: pushed.uri,
      oci_digest: pushed.digest,
      trigger_type: trigger.type,
      branch: trigger.branch,
      triggered_by: trigger.by,
      created_by: draft.createdBy,
      environments: JSON.stringify(draft.environments),
      resources: JSON.stringify(draft.resources),
      created_at: unit.now,
    })
    .execute()
  if (draft.artifacts.length > 0) await insertArtifacts(unit, id, draft)
  const release = { id, repository, project, commitSha, number }
  const alias =
    trigger.branch === null
      ? null
      : automaticAlias(trigger.branch, { project, number }, draft.tagging)
  const aliases =
    alias !== null && (await addAutomaticAlias(unit, { release, alias, by: draft.createdBy }))
      ? [alias.alias]
      : []
  unit.emit({
    type: 'release.created',
    repository,
    runId,
    data: {
      release_id: id,
      repository,
      project,
      commit_sha: commitSha,
      release_number: number,
      trigger_type: trigger.type,
    },
  })
  return { stored: { ...release, ...pushed, createdAt: unit.now, aliases } }
}

/** The release of this commit, if there is one. */
export async function findExisting(
  db: UnitOfWork['trx'] | { [K in 'selectFrom']: UnitOfWork['trx'][K] },
  of: Pick<ReleaseDraft, 'repository' | 'project' | 'commitSha'>,
): Promise<ExistingRelease | null> {
  const row = await db
    .selectFrom('releases')
    .select(['id', 'release_number', 'oci_uri', 'oci_digest'])
    .where('repository', '=', of.repository)
    .where('project', '=', of.project)
    .where('commit_sha', '=', of.commitSha)
    .executeTakeFirst()
  if (row === undefined) return null
  const { repository, project, commitSha } = of
  const { id, release_number: number, oci_uri: uri, oci_digest: digest } = row
  return { id, repository, project, commitSha, number, uri, digest }
}

/** Raises the project's counter, whose row stays locked to the end of the transaction. */
async function nextNumber(
  unit: UnitOfWork,
  { repository, project }: Pick<ReleaseDraft, 'repository' | 'project'>,
): Promise<number> {
  const row = await unit.trx
    .insertInto('release_counters')
    .values({ repository, project, last: 1 })
    .onConflict((conflict) =>
      conflict
        .columns(['repository', 'project'])
        .doUpdateSet({ last: sql<number>`release_counters.last + 1` }),
    )
    .returning('last')
    .executeTakeFirstOrThrow()
  return row.last
}

async function insertArtifacts(
  unit: UnitOfWork,
  releaseId: string,
  { artifacts }: ReleaseDraft,
): Promise<void> {
  await unit.trx
    .insertInto('release_artifacts')
    .values(
      artifacts.map(({ name, type, tracking_oci_uri, primary_published_uri }, position) => ({
        release_id: releaseId,
        position,
        name,
        type,
        tracking_oci_uri,
        primary_published_uri,
      })),
    )
    .execute()
}
