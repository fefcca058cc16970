import { sql } from 'kysely'
import type { ReportSubject } from './note-report.ts'
import { mergeNotes, releaseNotes, type TaggedRelease } from './release-notes.ts'
import type { ReportDeps } from './report-deps.ts'

/** Sees to it that GitHub's release of a tag speaks of all of ours that the tag stands for. */
export async function reportRelease(
  deps: ReportDeps,
  { repository, subject: tag }: ReportSubject,
  signal: AbortSignal,
): Promise<void> {
  const releases = await findTagged(deps, repository, tag)
  const [first] = releases
  if (first === undefined) return
  const ours = releaseNotes(releases, deps.publicUrl())
  const release = {
    tag,
    commitSha: first.commitSha,
    name: tag,
    notes: ours,
    listChanges: true,
    // Semantic Versioning 2.0.0: what follows a hyphen is a pre-release.
    prerelease: /(^|\/)v?\d+\.\d+\.\d+-/.test(tag),
  }
  const known = await deps.github.ensureRelease(repository, release, signal)
  const notes = mergeNotes(known.notes, ours)
  if (notes === known.notes) return
  await deps.github.updateRelease(repository, { id: known.id, notes }, signal)
}

/** Of `<project>/v1.2.3` one project's release, of `v1.2.3` that of every project which has the alias. */
async function findTagged(
  { db }: ReportDeps,
  repository: string,
  tag: string,
): Promise<TaggedRelease[]> {
  const { rows } = await sql<TaggedRelease>`
    select r.id, r.project, r.release_number as "releaseNumber", r.commit_sha as "commitSha",
           coalesce((
             select jsonb_agg(jsonb_build_object('name', a.name, 'type', a.type,
                                                 'uri', a.primary_published_uri) order by a.position)
             from release_artifacts a where a.release_id = r.id
           ), '[]'::jsonb) as artifacts
    from release_aliases l join releases r on r.id = l.release_id
    where l.repository = ${repository} and l.alias_type = 'tag'
      and (l.alias = ${tag} or l.project || '/' || l.alias = ${tag})
    order by r.project limit 100`.execute(db)
  return rows
}
