import { type RawBuilder, sql } from 'kysely'
import { endAttempt, endEach } from './end-attempt.ts'
import type { LedgerDeps } from './job-owners.ts'
import { leaseMs } from './liveness.ts'

/**
 * Frees the jobs and leases of every earlier worker of this data directory, and forgets those workers.
 * Call it before registering, once the directory is locked and the executor has reaped what they had
 * started: they are known to be dead. Answers how many jobs it freed. Only workers of the same principal
 * are believed to be of the same directory; null: those of servers.
 */
export async function releaseDeadHome(
  deps: LedgerDeps,
  input: { home: string; workerId: string; principalId?: string | null },
): Promise<number> {
  const dead = sql`home = ${input.home} and id <> ${input.workerId}::uuid
    and principal is not distinct from ${input.principalId ?? null}`
  return await forgetWorkers(deps, dead, 'Its worker has ended.')
}

/**
 * Frees the jobs and leases of workers silent for `leaseMs`, and forgets those workers; also frees
 * running jobs whose worker was forgotten by somebody who died before freeing them.
 */
export async function releaseSilentWorkers(
  deps: LedgerDeps,
  input: { signal?: AbortSignal } = {},
): Promise<number> {
  const silent = sql`last_seen_at < now() - ${leaseMs}::integer * interval '1 ms'`
  const freed = await forgetWorkers(deps, silent, 'Its worker has fallen silent.', input.signal)
  const { rows } = await sql<HeldAttempt>`
    select id, attempt, worker_id from jobs
     where state = 'running' and worker_id is not null
       and not exists (select from workers where workers.id = jobs.worker_id)`.execute(deps.db)
  return freed + (await releaseAttempts(deps, rows, 'Its worker is unknown.', input.signal))
}

/** Says that the worker is gone; whatever it still held is freed. */
export async function releaseWorker(
  deps: LedgerDeps,
  input: { workerId: string },
): Promise<number> {
  return await forgetWorkers(deps, sql`id = ${input.workerId}::uuid`, 'Its worker has ended.')
}

/**
 * Without its row a worker can claim nothing, so what is held at that moment is all there is; should
 * the worker be alive after all and come back, what it claims then is not among it.
 */
async function forgetWorkers(
  deps: LedgerDeps,
  which: RawBuilder<unknown>,
  error: string,
  signal?: AbortSignal,
): Promise<number> {
  const { rows } = await sql<HeldAttempt>`
    with gone as (delete from workers where ${which} returning id),
         unheld as (delete from leases using gone where leases.holder = gone.id)
    select jobs.id, jobs.attempt, jobs.worker_id
      from gone join jobs on jobs.worker_id = gone.id and jobs.state = 'running'`.execute(deps.db)
  return await releaseAttempts(deps, rows, error, signal)
}

async function releaseAttempts(
  deps: LedgerDeps,
  held: readonly HeldAttempt[],
  error: string,
  signal?: AbortSignal,
): Promise<number> {
  let freed = 0
  await endEach(held, signal, async ({ id, attempt, worker_id: workerId }) => {
    if (await endAttempt(deps, { id, attempt, workerId, change: 'lose', error })) freed++
  })
  return freed
}

interface HeldAttempt {
  id: string
  attempt: number
  worker_id: string
}
