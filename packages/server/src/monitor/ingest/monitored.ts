import { type Kysely, sql } from 'kysely'
import type { Tables } from '../../db/tables.gen.ts'
import type { RepositorySource } from './learn-repository.ts'

/** A repository as those need it who ask GitHub about it. */
export interface Monitored {
  id: number
  fullName: string
  githubId: number | null
  source: RepositorySource
  isLost: boolean
  etag: string | null
  /** When it was last asked about with success. */
  polledAt: Date | null
  completeSince: Date | null
}

type Db = Pick<Kysely<Tables>, 'getExecutor'>

const columns = sql`
  id, full_name as "fullName", github_id as "githubId", source, lost_at is not null as "isLost",
  runs_etag as "etag", polled_at as "polledAt", complete_since as "completeSince"`

/** Repositories that are polled at once; more than that nobody watches with one token. */
const mostRepositories = 10_000

/** Those that are polled; what lost its name to another waits until GitHub says its new one. */
export async function listPolled(db: Db): Promise<Monitored[]> {
  const { rows } = await sql<Monitored>`
    select ${columns} from monitored_repositories
    where source <> 'read' and full_name not like '%~%' order by id limit ${mostRepositories}`.execute(
    db,
  )
  return rows
}

export async function findMonitored(
  db: Db,
  by: { id: number } | { name: string },
): Promise<Monitored | null> {
  const condition =
    'id' in by ? sql`id = ${by.id}` : sql`lower(full_name) = ${by.name.toLowerCase()}`
  const { rows } = await sql<Monitored>`
    select ${columns} from monitored_repositories where ${condition}`.execute(db)
  return rows[0] ?? null
}

/** Notes why a repository could not be asked about; what is stored of it stays. */
export async function notePollFailure(
  db: Db,
  { id, why, isLost }: { id: number; why: string; isLost: boolean },
): Promise<void> {
  await sql`
    update monitored_repositories
    set poll_error = ${why}, lost_at = case when ${isLost} then coalesce(lost_at, now()) else lost_at end,
        runs_etag = case when ${isLost} then null else runs_etag end
    where id = ${id}`.execute(db)
}
