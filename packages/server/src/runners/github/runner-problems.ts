import { sql } from 'kysely'
import { transact, type UnitOfWork, type UnitOfWorkDeps } from '../../db/unit-of-work.ts'
import { emitUpdate } from '../end-delegation.ts'
import type { GitHubError } from '../../ports/github.ts'

const firstPauseMs = 15_000
const longestPauseMs = 900_000
const mostMessageLength = 1_000

/**
 * Notes why GitHub registers no runner in a repository: its jobs wait until that is tried again, and say
 * why. Each failure in a row doubles the time.
 */
export async function noteProblem(
  deps: UnitOfWorkDeps,
  input: { repository: string; message: string; retryAfterMs: number | null },
): Promise<void> {
  const { repository, retryAfterMs } = input
  const message = input.message.replaceAll('\u0000', '').slice(0, mostMessageLength)
  await transact(deps, async (unit) => {
    await sql`
      insert into runner_problems as p (repository, message, failures, until)
      values (${repository}, ${message}, 1,
              ${unit.now}::timestamptz
              + coalesce(${retryAfterMs}::float8, ${firstPauseMs}) * interval '1 ms')
      on conflict (repository) do update
        -- Of several that fail at once, one counts.
        set message = excluded.message,
            failures = p.failures + case when p.until <= ${unit.now} then 1 else 0 end,
            until = greatest(p.until, ${unit.now}::timestamptz + interval '1 ms' * coalesce(
              ${retryAfterMs}::float8,
              case when p.until > ${unit.now} then 0 else
                least(${longestPauseMs}::float8, ${firstPauseMs}::float8 * 2 ^ least(p.failures, 20))
              end))
    `.execute(unit.trx)
    await tellProblems(unit, repository)
  })
}

/** Has every job of a repository that waits for GitHub to register its runner say why. */
export async function tellProblems({ trx, now }: UnitOfWork, repository: string): Promise<void> {
  await sql`
    update delegations d set reason = p.message, updated_at = ${now}
    from runner_problems p
    where d.source = 'queue' and d.repository = ${repository} and p.repository = d.repository
      and d.class is not null and d.status in ('queued', 'assigned')
      and d.reason is distinct from p.message`.execute(trx)
}

/** GitHub registers runners in the repository again: nothing keeps its jobs from running. */
export async function forgetProblem(deps: UnitOfWorkDeps, repository: string): Promise<void> {
  await transact(deps, async (unit) => {
    const { rows } = await sql<{ message: string }>`
      delete from runner_problems where repository = ${repository} returning message`.execute(
      unit.trx,
    )
    for (const { message } of rows) {
      await sql`
        update delegations set reason = null, updated_at = ${unit.now}
        where source = 'queue' and repository = ${repository} and reason = ${message}
          and status in ('queued', 'assigned', 'running')`.execute(unit.trx)
      await ring(unit, repository)
    }
  })
}

/** Whichever server dispatches hears of it by a job that waits. */
async function ring(unit: UnitOfWork, repository: string): Promise<void> {
  const { rows } = await sql<Parameters<typeof emitUpdate>[1] & { reason: string | null }>`
    select id, repository, job_ref as "jobRef", github_run_id as "runId", reason from delegations
    where source = 'queue' and repository = ${repository} and status = 'queued'
      and class is not null
    order by queued_at limit 1`.execute(unit.trx)
  for (const { reason, ...waiting } of rows) {
    emitUpdate(unit, waiting, { status: 'queued', reason })
  }
}

/** What is to be done where GitHub does not register a runner, for whoever looks after this server. */
export function explainRefusal({ reason, message }: GitHubError, repository: string): string {
  switch (reason) {
    case 'refused':
      return `GitHub does not let this server register runners in ${repository}: give its App the permission Administration (write), or its token the scope repo and its owner the rights of an administrator (${message})`
    case 'missing':
      return `GitHub does not show ${repository} to this server as one whose runners it may register: install its App there with the permission Administration (write), or let the token see it (${message})`
    case 'limited':
      return `GitHub takes no more requests for now; the job goes on when it does (${message})`
    case 'invalid':
      return `GitHub will not register such a runner in ${repository}: look at the labels of its class, and whether self-hosted runners are allowed there (${message})`
    case 'away':
      return `GitHub does not answer; the job goes on when it does (${message})`
  }
}
