import { sql } from 'kysely'
import { transact } from '../../db/unit-of-work.ts'
import { dayMs, type IngestDeps } from './deps.ts'
import { pageSize } from './poll-repository.ts'
import { readBackwards } from './read-backwards.ts'
import { storeTold } from './store-told.ts'

/** Days for which GitHub lets a run be run again. */
const rerunDays = 30

/** By repository, when it was last looked at again, as far as this process knows. */
export type LookedAgain = Map<number, number>

interface Busy {
  id: number
  repository: string
  /** When the oldest run was created that polls see. */
  seenSince: Date
}

/**
 * Reads the runs again that are too old for a poll and could be run again: where the webhook tells
 * nothing, or a delivery was lost, nobody else would hear of it. Of repositories whose newest runs go
 * back far enough a poll sees all of these. Answers one that is due, to be read by `lookAgain`.
 */
export async function findBusy(
  { db, rescanMs }: IngestDeps,
  looked: LookedAgain,
): Promise<Busy | null> {
  const now = Date.now()
  const { rows } = await sql<Busy>`
    select m.id, m.full_name as repository, r.created_at as "seenSince"
    from monitored_repositories m cross join lateral (
      select created_at from workflow_runs where repository_id = m.id
      order by created_at desc, id desc offset ${pageSize} - 1 limit 1
    ) r
    where m.source <> 'read' and m.lost_at is null
      and r.created_at > ${new Date(now - rerunDays * dayMs)}
    order by m.id`.execute(db)
  for (const { id } of rows) if (!looked.has(id)) looked.set(id, now)
  return rows.find(({ id }) => now - (looked.get(id) ?? now) >= rescanMs) ?? null
}

/** Rejects with a `GitHubError`; what was read until then is stored. */
export async function lookAgain(
  deps: IngestDeps,
  { busy, mayGoOn }: { busy: Busy; mayGoOn: () => boolean },
  signal: AbortSignal,
): Promise<void> {
  const { id, repository, seenSince } = busy
  const now = Date.now()
  const window = { repository, from: new Date(now - rerunDays * dayMs), to: seenSince }
  const newsSince = new Date(now - deps.rescanMs)
  for await (const { runs } of readBackwards(deps.actions, window, signal)) {
    await transact(deps, (unit) => storeTold(unit, { repositoryId: id, runs, newsSince }))
    if (signal.aborted || !mayGoOn()) return
  }
}
