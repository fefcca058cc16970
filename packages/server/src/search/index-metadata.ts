import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { repositoryWord, tsvectorOf } from './words.ts'

/** Makes a run findable by what is known of it now. One that is gone stays unfindable. */
export async function indexRun(
  deps: { db: Kysely<Tables> },
  input: { runId: string },
): Promise<void> {
  const { rows } = await sql<{ text: string; repository: string; at: Date }>`
    select r.repository, r.started_at as at,
           concat_ws(' ', ${runText}, (
             select string_agg(p.name, ' ') from run_projects p where p.run_id = r.id
           )) as text
    from runs r where r.id = ${input.runId}`.execute(deps.db)
  const [run] = rows
  if (run === undefined) return
  await sql`
    insert into search_documents (kind, repository, run_id, at, words)
    select 'run', ${run.repository}, id, ${run.at}, ${wordsOf(run)}::tsvector
    from runs where id = ${input.runId}
    on conflict (run_id) where kind = 'run' do update set words = excluded.words`.execute(deps.db)
}

/** What is shown of a run that was found; `r` is its row. */
export const runText = sql<string>`concat_ws(' ', r.repository, r.branch, r.commit_sha, r.status,
  r.trigger_type, r.triggered_by, r.message)`

/** Makes a release findable by what is known of it now. */
export async function indexRelease(
  deps: { db: Kysely<Tables> },
  input: { releaseId: string },
): Promise<void> {
  const { rows } = await sql<{ text: string; repository: string; at: Date }>`
    select r.repository, r.created_at as at, ${releaseText} as text
    from releases r where r.id = ${input.releaseId}`.execute(deps.db)
  const [release] = rows
  if (release === undefined) return
  await sql`
    insert into search_documents (kind, repository, release_id, at, words)
    select 'release', ${release.repository}, id, ${release.at},
           ${wordsOf(release)}::tsvector
    from releases where id = ${input.releaseId}
    on conflict (release_id) where release_id is not null do update set words = excluded.words`.execute(
    deps.db,
  )
}

/** What is shown of a release that was found; `r` is its row. */
export const releaseText = sql<string>`concat_ws(' ', r.repository, r.project, r.release_number,
  (select string_agg(a.alias, ' ' order by a.alias) from release_aliases a where a.release_id = r.id),
  r.commit_sha, r.branch, r.created_by, r.triggered_by)`

function wordsOf({ repository, text }: { repository: string; text: string }): string {
  return `${repositoryWord(repository)} ${tsvectorOf(text)}`
}
