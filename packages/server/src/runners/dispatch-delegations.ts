import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { type Definition, defineRun } from './define-run.ts'
import type { DelegationRow } from './delegation-rows.ts'
import type { RunnersDeps } from './deps.ts'
import { emitUpdate } from './end-delegation.ts'
import { matchClass } from './match-class.ts'
import type { RunnerClass } from './runner-class.ts'

type Deps = Pick<RunnersDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'classes'>

/** Jobs that one transaction assigns at most. */
const batchSize = 100
/** Milliseconds beyond a class's own limit in which an image is fetched and a container made and removed. */
const graceMs = 30 * 60_000
/**
 * Attempts that the ledger grants. A container outlives any number of hubs; what never starts is given up
 * by `beginDelegation` long before.
 */
const ledgerAttempts = 1_000

/**
 * Gives queued jobs to workers, as far as their classes' limits allow: first come, first served, but of
 * repositories that wait together each gets its turn. Answers how many it was.
 */
export async function dispatchDelegations(deps: Deps, signal: AbortSignal): Promise<number> {
  let total = 0
  const wanted = await listWanted(deps)
  for (const runnerClass of deps.classes) {
    if (!wanted.has(runnerClass.name)) continue
    for (let count = batchSize; count === batchSize && !signal.aborted; total += count) {
      count = await transact(deps, (unit) => assignNext(unit, runnerClass))
    }
  }
  return total
}

/** The classes that jobs wait for. */
async function listWanted({ db, classes }: Deps): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    select name from unnest(${classes.map(({ name }) => name)}::text[]) as c (name)
     where exists (select from delegations d where d.class = c.name and d.status = 'queued')`.execute(
    db,
  )
  return new Set(rows.map(({ name }) => name))
}

async function assignNext(unit: UnitOfWork, runnerClass: RunnerClass): Promise<number> {
  // Two that dispatch at once would each believe the places of the class to be free.
  await sql`select pg_advisory_xact_lock(hashtext('slipway runners'), hashtext(${runnerClass.name}))`.execute(
    unit.trx,
  )
  const rows = await lockNext(unit, runnerClass)
  if (rows.length > 0) await assign(unit, runnerClass, rows)
  return rows.length
}

async function lockNext(unit: UnitOfWork, runnerClass: RunnerClass): Promise<DelegationRow[]> {
  const { name, maxRunners, maxPerRepository } = runnerClass
  const { rows } = await sql<DelegationRow>`
    with active as (
      -- Their names have no case.
      select lower(repository) as repository, count(*)::integer as count from delegations
       where class = ${name} and status in ('assigned', 'running') and ledger_job_id is not null
       group by 1
    ), waiting as (
      select d.id, d.queued_at, coalesce(a.count, 0) + row_number() over (
               partition by lower(d.repository) order by d.queued_at, d.id) as turn
        from delegations d left join active a on a.repository = lower(d.repository)
       where d.class = ${name} and d.status = 'queued'
         -- While GitHub registers no runners in a repository its queue waits; then one of it tries first.
         and not (d.source = 'queue' and exists (
           select from runner_problems p
            where p.repository = d.repository
              and (p.until > clock_timestamp() or exists (
                select from delegations o
                 where o.source = 'queue' and o.repository = d.repository
                   and (o.status = 'assigned'
                     or (o.status = 'queued' and (o.queued_at, o.id) < (d.queued_at, d.id)
                       and o.class is not null))))))
    )
    select d.* from delegations d
     where d.id in (
       select id from waiting where turn <= ${maxPerRepository ?? maxRunners}::bigint
        order by turn, queued_at, id
        limit greatest(0, least(${batchSize}::bigint,
          ${maxRunners}::bigint - (select coalesce(sum(count), 0) from active))))
       and d.status = 'queued'
     order by d.id for update`.execute(unit.trx)
  return rows
}

async function assign(
  unit: UnitOfWork,
  runnerClass: RunnerClass,
  rows: readonly DelegationRow[],
): Promise<void> {
  const assigned = rows.map((row) => {
    const { container } = row.definition as Definition
    const run = defineRun(runnerClass, row, container)
    const definition: Definition = { container, run }
    return { row, run, definition: JSON.stringify(definition), jobId: uuid(), runnerId: uuid() }
  })
  await unit.trx
    .insertInto('runners')
    .values(
      assigned.map(({ row, run, runnerId }) => ({
        id: runnerId,
        name: run.runnerName,
        type: 'ephemeral' as const,
        status: 'starting' as const,
        labels: [...runnerClass.labels],
        repository: row.repository,
        class: runnerClass.name,
        delegation_id: row.id,
        last_heartbeat: unit.now,
        created_at: unit.now,
        updated_at: unit.now,
      })),
    )
    .execute()
  await sql`
    update delegations d
       set status = 'assigned', reason = null, definition = n.definition::jsonb,
           ledger_job_id = n.job, runner_id = n.runner, assigned_at = ${unit.now},
           updated_at = ${unit.now}
      from unnest(${rows.map(({ id }) => id)}::uuid[], ${assigned.map((one) => one.definition)}::text[],
                  ${assigned.map(({ jobId }) => jobId)}::uuid[],
                  ${assigned.map(({ runnerId }) => runnerId)}::text[]) as n (id, definition, job, runner)
     where d.id = n.id`.execute(unit.trx)
  for (const { row, run, jobId } of assigned) {
    const { id, repository, job_ref: jobRef, github_run_id: runId } = row
    emitUpdate(unit, { id, repository, jobRef, runId }, { status: 'assigned', reason: null })
    unit.enqueue({
      id: jobId,
      type: 'delegation',
      subject: `runners.${id}`,
      runId: null,
      payload: { delegation_id: id },
      timeoutMs: run.timeoutMs + graceMs,
      maxAttempts: ledgerAttempts,
    })
  }
}

/**
 * Finds the class of every queued job anew, since the configuration may have changed. Answers how many have
 * another one now, or another reason to have none.
 */
export async function judgeQueued(
  { db, classes }: Pick<Deps, 'db' | 'classes'>,
  signal: AbortSignal,
): Promise<number> {
  let changed = 0
  for (let after = '00000000-0000-0000-0000-000000000000'; !signal.aborted;) {
    const rows = await db
      .selectFrom('delegations')
      .select(['id', 'repository', 'labels', 'class', 'reason'])
      .where('status', '=', 'queued')
      .where('id', '>', after)
      .orderBy('id')
      .limit(500)
      .execute()
    const judged = rows.map((row) => {
      const match = matchClass(classes, row)
      return match.class === null
        ? { row, class: null, reason: match.reason }
        : { row, class: match.class.name, reason: null }
    })
    const others = judged.filter(
      (now) => now.class !== now.row.class || now.reason !== now.row.reason,
    )
    if (others.length > 0) {
      await sql`
        update delegations d set class = n.class, reason = n.reason
          from unnest(${others.map(({ row }) => row.id)}::uuid[],
                      ${others.map((now) => now.class)}::text[],
                      ${others.map((now) => now.reason)}::text[]) as n (id, class, reason)
         where d.id = n.id and d.status = 'queued'`.execute(db)
    }
    changed += others.length
    const last = rows.at(-1)
    if (last === undefined || rows.length < 500) break
    after = last.id
  }
  return changed
}
