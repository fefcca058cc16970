import type { Runner, RunnerHeartbeatRequest } from '@slipway/contract/runners'
import { type Kysely, sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import { requireUnlimited, requireVisible } from '../access/index.ts'
import { transact } from '../db/unit-of-work.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import type { RunnersDeps } from './deps.ts'
import { getRunner } from './list-runners.ts'

/** Milliseconds without a heartbeat after which a proxy is offline. */
const silenceMs = 90_000
/** The same of one that GitHub lists: far longer than it takes until GitHub is asked again. */
const unseenMs = 3_600_000

/** A proxy registers or says that it is there. One that serves any repository needs a token for all. */
export async function beatHeart(
  deps: Pick<RunnersDeps, 'db' | 'wakeEvents' | 'wakeJobs'>,
  input: { principal: Principal; name: string; request: RunnerHeartbeatRequest },
): Promise<{ runner: Runner; isNew: boolean }> {
  const { principal, name } = input
  const { repository = null, labels = null, status = null } = input.request
  if (repository === null) requireUnlimited(principal, 'Runners that serve any repository')
  else requireVisible(principal, repository)
  const beat = await transact(deps, async (unit) => {
    const busy = sql`exists (
      select from delegations d
       where d.proxy_runner = ${name} and d.status in ('queued', 'assigned', 'running')
         and (${repository}::text is null or d.repository = ${repository}))`
    const { rows } = await sql<{ id: string; isNew: boolean }>`
      insert into runners as r (id, name, type, status, labels, repository, last_heartbeat, created_at, updated_at)
      values (${uuid()}::uuid, ${name}, 'proxy',
              coalesce(${status}::text, case when ${busy} then 'busy' else 'idle' end),
              coalesce(${labels}::text[], '{}'), ${repository}, ${unit.now}, ${unit.now}, ${unit.now})
      on conflict (type, (coalesce(repository, '')), name) do update
        set status = excluded.status, labels = coalesce(${labels}::text[], r.labels),
            last_heartbeat = excluded.last_heartbeat, updated_at = excluded.updated_at
      returning r.id, (xmax = 0) as "isNew"`.execute(unit.trx)
    const [row] = rows
    if (row === undefined) throw new Error('a heartbeat writes a row')
    return row
  })
  return { runner: await getRunner(deps, { principal, id: beat.id }), isNew: beat.isNew }
}

/**
 * Marks the runners offline that nothing was heard of for too long: proxies, and those that GitHub listed
 * when it was asked last. Answers in how many milliseconds it will have been too long for the next one; null:
 * there is none.
 */
export async function markSilent({ db }: { db: Kysely<Tables> }): Promise<number | null> {
  const untilSilent = sql`
    last_heartbeat - clock_timestamp()
    + case type when 'proxy' then ${silenceMs}::float8 else ${unseenMs}::float8 end * interval '1 ms'`
  const known = sql`type in ('proxy', 'dedicated') and status <> 'offline'`
  await sql`
    update runners set status = 'offline', updated_at = clock_timestamp()
     where ${known} and ${untilSilent} < interval '0'`.execute(db)
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(${untilSilent}))::float8 * 1000 as ms from runners where ${known}`.execute(
    db,
  )
  const ms = rows[0]?.ms ?? null
  return ms === null ? null : Math.max(1, Math.ceil(ms))
}
