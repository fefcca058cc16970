import { sql } from 'kysely'
import type { UnitOfWork } from '../../db/unit-of-work.ts'

/** Why a repository is here, the weakest reason first. */
const reasons = ['read', 'webhook', 'detected', 'configured'] as const
export type RepositorySource = (typeof reasons)[number]

/** A repository as GitHub has just told of it. */
export interface SeenRepository {
  id: number
  fullName: string
  /** Undefined: it was not said. */
  defaultBranch?: string
}

interface Row {
  id: number
  fullName: string
  githubId: number | null
  defaultBranch: string | null
  source: RepositorySource
  lostAt: Date | null
}

/**
 * The id of a repository that GitHub has just told of: its row follows it to another name, gets what
 * is not known of it yet, and is made if there is none. A row that had this name and is another
 * repository at GitHub loses it, and is lost until GitHub says its new one: what was stored of the one
 * is never shown as the other's. It is kept for the stronger of the reasons.
 *
 * `isOld`: GitHub said it some time ago. Then no name is changed by it: a repository whose name is
 * another one's by now is kept as lost. `asOf`: what was told happened then, and brings back no
 * repository that was lost later.
 */
export async function learnRepository(
  { trx }: Pick<UnitOfWork, 'trx'>,
  input: { seen: SeenRepository; source: RepositorySource; isOld?: boolean; asOf?: Date | null },
): Promise<number> {
  const { source, isOld = false, asOf = null } = input
  const known = await findById(trx, input.seen.id)
  if (known?.lostAt && asOf !== null && asOf <= known.lostAt) return known.id
  const keepsName = isOld && known !== null && known.lostAt === null
  const seen = keepsName ? { ...input.seen, fullName: known.fullName } : input.seen
  if (known !== null && isAsSeen(known, seen, source)) return known.id
  // Two that learn of names at once could each miss what the other does.
  await sql`select pg_advisory_xact_lock(hashtextextended('monitored repositories', 0))`.execute(
    trx,
  )
  const own = await findById(trx, seen.id)
  const named = await findByName(trx, seen.fullName)
  if (named !== null && named.id !== own?.id && (named.githubId ?? seen.id) !== seen.id) {
    if (isOld) return own?.id ?? insert(trx, nameless(seen), source, true)
    await sql`
      update monitored_repositories
      set full_name = full_name || '~' || github_id, lost_at = coalesce(lost_at, now()),
          runs_etag = null, poll_error = 'Its name is another repository’s now'
      where id = ${named.id}`.execute(trx)
  } else if (named !== null && own !== null && named.id !== own.id) {
    // Nothing is known of it but its name, which turns out to be this one's.
    await sql`delete from monitored_repositories where id = ${named.id}`.execute(trx)
    return adopt(trx, own, { seen, source: stronger(source, named.source) })
  }
  const row = own ?? (named?.githubId === null ? named : null)
  return row === null ? insert(trx, seen, source, false) : adopt(trx, row, { seen, source })
}

/** Under a name that none has at GitHub. */
function nameless(seen: SeenRepository): SeenRepository {
  return { ...seen, fullName: `${seen.fullName}~${seen.id}` }
}

async function insert(
  trx: Trx,
  seen: SeenRepository,
  source: RepositorySource,
  isLost: boolean,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    insert into monitored_repositories (full_name, github_id, default_branch, source, lost_at)
    values (${seen.fullName}, ${seen.id}, ${seen.defaultBranch ?? null}, ${source},
            ${isLost ? sql`now()` : null})
    returning id`.execute(trx)
  return rows[0]?.id ?? 0
}

type Trx = UnitOfWork['trx']

async function adopt(
  trx: Trx,
  row: Row,
  { seen, source }: { seen: SeenRepository; source: RepositorySource },
): Promise<number> {
  const isRenamed = row.fullName !== seen.fullName
  await sql`
    update monitored_repositories
    set full_name = ${seen.fullName}, github_id = ${seen.id},
        default_branch = coalesce(${seen.defaultBranch ?? null}, default_branch),
        source = ${stronger(source, row.source)}, lost_at = null,
        runs_etag = case when ${isRenamed || row.lostAt !== null} then null else runs_etag end,
        -- Names are in what was computed.
        runs_version = runs_version + ${isRenamed ? 1 : 0}
    where id = ${row.id}`.execute(trx)
  return row.id
}

function isAsSeen(row: Row, seen: SeenRepository, source: RepositorySource): boolean {
  const { fullName, defaultBranch } = seen
  const sameBranch = defaultBranch === undefined || row.defaultBranch === defaultBranch
  const isStrong = stronger(source, row.source) === row.source
  return row.fullName === fullName && sameBranch && isStrong && row.lostAt === null
}

function stronger(a: RepositorySource, b: RepositorySource): RepositorySource {
  return reasons.indexOf(a) > reasons.indexOf(b) ? a : b
}

const columns = sql`
  id, full_name as "fullName", github_id as "githubId", default_branch as "defaultBranch", source,
  lost_at as "lostAt"`

async function findById(trx: Trx, githubId: number): Promise<Row | null> {
  const { rows } = await sql<Row>`
    select ${columns} from monitored_repositories where github_id = ${githubId}`.execute(trx)
  return rows[0] ?? null
}

async function findByName(trx: Trx, fullName: string): Promise<Row | null> {
  const { rows } = await sql<Row>`
    select ${columns} from monitored_repositories
    where lower(full_name) = ${fullName.toLowerCase()}`.execute(trx)
  return rows[0] ?? null
}
