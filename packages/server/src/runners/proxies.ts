import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import type { UnitOfWork } from '../db/unit-of-work.ts'

/** Milliseconds for which a busy proxy is not written again: many jobs at once would wait for each other. */
const freshMs = 1_000

/**
 * Notes that a proxy is there and busy, since it delegates. One that registered itself for any repository is
 * that one; otherwise it is listed once for each repository that it delegates for.
 */
export async function noteProxy(
  unit: UnitOfWork,
  proxy: { name: string; repository: string; labels: readonly string[] },
): Promise<void> {
  const { rows } = await sql<{ id: string; isFresh: boolean }>`
    select id, status = 'busy' and last_heartbeat > ${unit.now}::timestamptz - ${freshMs}::float8 * interval '1 ms'
             as "isFresh"
      from runners
     where type = 'proxy' and name = ${proxy.name}
       and (repository is null or repository = ${proxy.repository})`.execute(unit.trx)
  const stale = rows.filter(({ isFresh }) => !isFresh).map(({ id }) => id)
  if (stale.length > 0) {
    await sql`
      update runners set status = 'busy', last_heartbeat = ${unit.now}, updated_at = ${unit.now}
       where id = any(${stale}::uuid[])`.execute(unit.trx)
  }
  if (rows.length > 0) return
  await sql`
    insert into runners (id, name, type, status, labels, repository, last_heartbeat, created_at, updated_at)
    values (${uuid()}::uuid, ${proxy.name}, 'proxy', 'busy', ${proxy.labels}::text[],
            ${proxy.repository}, ${unit.now}, ${unit.now}, ${unit.now})
    on conflict (type, (coalesce(repository, '')), name) do update
      set status = 'busy', last_heartbeat = excluded.last_heartbeat, updated_at = excluded.updated_at
  `.execute(unit.trx)
}

/** A proxy whose last unfinished job of a repository has ended waits for another. */
export async function restProxy(
  unit: UnitOfWork,
  proxy: { name: string; repository: string },
): Promise<void> {
  const isTheirs = sql`r.type = 'proxy' and r.name = ${proxy.name} and r.status = 'busy'
       and (r.repository is null or r.repository = ${proxy.repository})`
  // Of two jobs that end at once, the second sees the end of the first.
  await sql`select from runners r where ${isTheirs} order by r.id for update`.execute(unit.trx)
  await sql`
    update runners r set status = 'idle', updated_at = ${unit.now}
     where ${isTheirs}
       and not exists (
         select from delegations d
          where d.proxy_runner = r.name and d.status in ('queued', 'assigned', 'running')
            and (r.repository is null or d.repository = r.repository))`.execute(unit.trx)
}
