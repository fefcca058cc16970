import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import type { GitHubRunner } from '../../ports/github-runners.ts'
import { ownName } from './delegations-of-queue.ts'
import type { QueueDeps } from './deps.ts'

/** What GitHub answered before of a repository's runners. */
export interface InventoryMemory {
  etag: string | null
  runners: readonly GitHubRunner[]
}

/** Milliseconds that a runner of ours stays in GitHub's list although its delegation has ended. */
const lingerMs = 60_000
const mostRemoved = 50

/**
 * Makes the runners of a repository what GitHub says of them: those that are not ours are listed as
 * dedicated ones, those that GitHub does not list any more are gone, and runners of ours that are offline
 * and have no delegation at work are taken off GitHub's list. Answers what to ask with next time.
 */
export async function reconcileRunners(
  deps: QueueDeps,
  input: { repository: string; memory: InventoryMemory | null },
  signal: AbortSignal,
): Promise<InventoryMemory> {
  const { repository, memory } = input
  const answer = await deps.runners.listRunners(repository, memory?.etag ?? null, signal)
  const runners = answer.changed ? answer.value : (memory?.runners ?? [])
  const others = runners.filter(({ name }) => ownName(name) === null)
  await storeDedicated(deps, repository, others)
  const own = runners.filter(({ name }) => ownName(name) !== null)
  const removed = await removeStale(deps, { repository, own }, signal)
  // What was removed changes the answer: it is asked for whole.
  if (removed > 0) return { etag: null, runners }
  return { etag: answer.changed ? answer.etag : (memory?.etag ?? null), runners }
}

async function storeDedicated(
  { db }: QueueDeps,
  repository: string,
  runners: readonly GitHubRunner[],
): Promise<void> {
  const rows = runners.map(({ id, name, online, busy, labels }) => ({
    id: uuid(),
    name,
    github_id: id,
    status: online ? (busy ? 'busy' : 'idle') : 'offline',
    labels,
  }))
  await db.transaction().execute(async (trx) => {
    // One that registers here by itself is listed as what it says of itself.
    await sql`
      insert into runners as r
        (id, name, type, status, labels, repository, github_id, last_heartbeat, created_at, updated_at)
      select g.id, g.name, 'dedicated', g.status, array(select jsonb_array_elements_text(g.labels)),
             ${repository}, g.github_id, now(), now(), now()
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as g (id uuid, name text, status text, labels jsonb, github_id bigint)
      where not exists (
        select from runners p where p.type = 'proxy' and p.name = g.name
          and (p.repository is null or p.repository = ${repository}))
      order by g.name
      on conflict (type, (coalesce(repository, '')), name) do update
        set status = excluded.status, labels = excluded.labels, github_id = excluded.github_id,
            last_heartbeat = case when excluded.status = 'offline' then r.last_heartbeat else now() end,
            updated_at = case when (r.status, r.labels) is distinct from (excluded.status, excluded.labels)
                              then now() else r.updated_at end`.execute(trx)
    await sql`
      delete from runners d
      where d.type = 'dedicated' and d.repository = ${repository}
        and (d.github_id <> all(${rows.map((row) => row.github_id)}::bigint[])
          or exists (select from runners p where p.type = 'proxy' and p.name = d.name
                       and (p.repository is null or p.repository = ${repository})))`.execute(trx)
  })
}

/** Answers how many GitHub does not list any more. */
async function removeStale(
  deps: QueueDeps,
  input: { repository: string; own: readonly GitHubRunner[] },
  signal: AbortSignal,
): Promise<number> {
  const { repository, own } = input
  const offline = own.filter(({ online, busy }) => !online && !busy)
  if (offline.length === 0) return 0
  // Those of another installation of ours are theirs. One that is about to be started is at work.
  const { rows } = await sql<{ name: string }>`
    select d.definition #>> '{run,runnerName}' as name from delegations d
    where d.definition #>> '{run,runnerName}' = any(${offline.map(({ name }) => ownName(name))}::text[])
      and lower(d.repository) = lower(${repository})
      and d.completed_at < now() - ${lingerMs}::float8 * interval '1 ms'`.execute(deps.db)
  const ended = new Set(rows.map(({ name }) => name))
  let removed = 0
  for (const { id, name } of offline) {
    const stale = ended.has(ownName(name) ?? '')
    if (!stale || removed >= mostRemoved) continue
    const outcome = await deps.runners.deleteRunner(repository, id, signal)
    if (outcome !== 'busy') removed += 1
    deps.log.info({ repository, runner: name, outcome }, 'a runner that nobody needs')
  }
  return removed
}
