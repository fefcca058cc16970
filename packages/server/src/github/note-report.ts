import { sql, type Kysely } from 'kysely'
import { currentOrigin } from '../correlation.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import type { GithubDeps } from './deps.ts'

/** Of what GitHub is to be told. */
export interface ReportSubject {
  repository: string
  kind: 'commit' | 'deployment' | 'release'
  /** Commit, id of the deployment, tag. */
  subject: string
}

/** Remembers, with the unit's changes, that there is news of this for GitHub. */
export async function noteReport(
  deps: Pick<GithubDeps, 'github' | 'wakeReports'>,
  unit: UnitOfWork,
  about: ReportSubject,
): Promise<void> {
  if (deps.github === null) return
  await writeReport(unit.trx, about)
  unit.afterCommit(deps.wakeReports)
}

/** What waits already goes on waiting: it will be sent as it is then. */
export async function writeReport(
  db: Pick<Kysely<Tables>, 'getExecutor'>,
  { repository, kind, subject }: ReportSubject,
): Promise<void> {
  await sql`
    insert into github_reports (repository, kind, subject, next_attempt_at, since, origin)
    values (${repository}, ${kind}, ${subject}, now(), now(), ${currentOrigin()})
    on conflict (repository, kind, subject) do update
      set version = github_reports.version + 1, since = excluded.since, origin = excluded.origin`.execute(
    db,
  )
}
