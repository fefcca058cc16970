import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import type { RunSnapshot, RunsPage } from '../../ports/github-actions.ts'
import type { RunChange } from '../store-run.ts'
import type { IngestDeps } from './deps.ts'
import { learnRepository } from './learn-repository.ts'
import { findMonitored, type Monitored } from './monitored.ts'
import { readBackwards } from './read-backwards.ts'
import { storeTold } from './store-told.ts'

/** Of the newest runs that one poll asks for: also a run that is run again is seen as long as it is among them. */
export const pageSize = 100
/** Pages that a poll reads to fill the gap since the one before; what is older the backfill reads. */
const mostGapPages = 10
/** Milliseconds that GitHub's clock and ours may differ by. */
const skewMs = 60_000
/** Milliseconds that a run may be listed late, and is news all the same. */
const newsMs = 300_000

export type PollOutcome =
  /** `ended`: runs that have ended, whose jobs and artifacts are wanted. */
  | { kind: 'changed' | 'unchanged'; repository: Monitored; ended: RunChange[] }
  /** The name is another repository's now: this one is to be asked about under its new one. */
  | { kind: 'gone' }

/**
 * Asks GitHub for the newest runs of a repository, by one request that costs nothing where nothing has
 * changed, and stores them. Rejects with a `GitHubError`; then nothing is stored.
 */
export async function pollRepository(
  deps: IngestDeps,
  monitored: Monitored,
  signal: AbortSignal,
): Promise<PollOutcome> {
  const repository =
    monitored.githubId === null ? await identify(deps, monitored, signal) : monitored
  if (repository === null) return { kind: 'gone' }
  const { etag, fullName } = repository
  const answer = await deps.actions.listRuns(fullName, { perPage: pageSize, etag }, signal)
  const polledAt = new Date()
  if (!answer.changed) {
    await sql`
      update monitored_repositories set polled_at = ${polledAt}, poll_error = null, lost_at = null
      where id = ${repository.id}`.execute(deps.db)
    return { kind: 'unchanged', repository: { ...repository, polledAt }, ended: [] }
  }
  const page = answer.value
  const seen = page.repository ?? (await whoseIsEmpty(deps, repository, signal))
  if (seen !== null && (seen.id !== repository.githubId || seen.fullName !== fullName)) {
    const { source } = repository
    await transact(deps, (unit) => learnRepository(unit, { seen, source }))
    if (seen.id !== repository.githubId) return { kind: 'gone' }
  }
  const { runs, completeSince } = await readSince(deps, { repository, page }, signal)
  // Of half a page it is not known what is missing: the next one is asked for whole.
  const next = isWhole(page) ? answer.etag : null
  const changes = await transact(deps, async (unit) => {
    const stored = await storeTold(unit, {
      repositoryId: repository.id,
      runs,
      // Of a repository that was not asked about before, everything is history.
      newsSince: newsSince(repository, polledAt),
    })
    await sql`
      update monitored_repositories
      set polled_at = ${polledAt}, poll_error = null, lost_at = null, runs_etag = ${next},
          -- Not where it is as it was: the backfill may have gone on meanwhile.
          complete_since = ${completeSince === repository.completeSince ? sql`complete_since` : completeSince}
      where id = ${repository.id}`.execute(unit.trx)
    return stored.runs
  })
  const ended = changes.filter(({ after }) => after.githubStatus === 'completed')
  return { kind: 'changed', repository: { ...repository, polledAt }, ended }
}

/** Where runs are here and GitHub has none, the name may be another repository's. */
async function whoseIsEmpty(
  { db, actions }: IngestDeps,
  { id, fullName }: Monitored,
  signal: AbortSignal,
): Promise<RunsPage['repository']> {
  const { rows } = await sql`
    select 1 from workflow_runs where repository_id = ${id} limit 1`.execute(db)
  return rows.length === 0 ? null : actions.getRepository(fullName, signal)
}

/** Since when what is heard of a repository for the first time is news. */
export function newsSince({ polledAt }: Pick<Monitored, 'polledAt'>, now: Date): Date {
  return polledAt === null ? now : new Date(polledAt.getTime() - newsMs)
}

function isWhole({ runs, total }: RunsPage): boolean {
  return runs.length >= Math.min(pageSize, total)
}

/** Learns which repository is called so: it may be one that is here already, under its new name. */
async function identify(
  deps: IngestDeps,
  { id: named, fullName, source }: Monitored,
  signal: AbortSignal,
): Promise<Monitored | null> {
  const seen = await deps.actions.getRepository(fullName, signal)
  const id = await transact(deps, async (unit) => {
    const learnt = await learnRepository(unit, { seen, source })
    if (learnt !== named) {
      await sql`
        delete from monitored_repositories where id = ${named} and github_id is null`.execute(
        unit.trx,
      )
    }
    return learnt
  })
  return findMonitored(deps.db, { id })
}

/**
 * The runs of a page, and those between it and the poll before; with the moment since when all runs that
 * were created are here.
 */
async function readSince(
  deps: IngestDeps,
  input: { repository: Monitored; page: RunsPage },
  signal: AbortSignal,
): Promise<{ runs: RunSnapshot[]; completeSince: Date | null }> {
  const { repository, page } = input
  const { runs, total } = page
  const { completeSince } = repository
  if (!isWhole(page)) return { runs, completeSince }
  const oldest = runs.at(-1)?.createdAt
  if (oldest === undefined || runs.length >= total) {
    return { runs, completeSince: new Date(0) }
  }
  const here = new Date(oldest.getTime() + 1_000)
  if (repository.polledAt === null || completeSince === null) return { runs, completeSince: here }
  const known = new Date(repository.polledAt.getTime() - skewMs)
  if (oldest <= known) return { runs, completeSince }
  const older: RunSnapshot[] = []
  let pages = 0
  const gap = { repository: repository.fullName, from: known, to: oldest }
  for await (const part of readBackwards(deps.actions, gap, signal)) {
    older.push(...part.runs)
    pages += 1
    if (part.since <= known) return { runs: [...runs, ...older], completeSince }
    if (pages === mostGapPages) return { runs: [...runs, ...older], completeSince: part.since }
  }
  return { runs: [...runs, ...older], completeSince }
}
