import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import type { UnitOfWork } from '../db/unit-of-work.ts'
import { startForkedRun } from './approve-pull-request.ts'
import type { GithubDeps } from './deps.ts'
import { noteReport } from './note-report.ts'
import type { ForkedPullRequest } from './read-delivery.ts'

/**
 * Keeps the commit of a fork until somebody lets it run; another commit of the same pull request does
 * not wait any longer. One that was let run before runs again, since nothing about it has changed.
 */
export async function offerPullRequest(
  deps: Pick<GithubDeps, 'github' | 'wakeReports' | 'orchestratedBy'>,
  unit: UnitOfWork,
  input: { repository: string; offered: ForkedPullRequest },
): Promise<{ status: 'done'; runId: string | null; note: string | null }> {
  const { repository, offered } = input
  const { number, commit, title, author, headRepository, headRef } = offered
  await sql`
    update github_pull_requests set status = 'superseded', decided_at = ${unit.now}
    where repository = ${repository} and number = ${number} and commit_sha <> ${commit}
      and status = 'waiting'`.execute(unit.trx)
  const { rows } = await sql<{ status: string }>`
    insert into github_pull_requests as known
      (id, repository, number, title, author, head_repository, head_ref, commit_sha, status, received_at)
    values (${uuid()}, ${repository}, ${number}, ${title}, ${author}, ${headRepository}, ${headRef},
            ${commit}, 'waiting', ${unit.now})
    on conflict (repository, number, commit_sha) do update
      set title = excluded.title, head_repository = excluded.head_repository,
          status = case known.status when 'approved' then 'approved' else 'waiting' end,
          decided_at = case known.status when 'approved' then known.decided_at end
    returning status`.execute(unit.trx)
  if (rows[0]?.status === 'approved') {
    const { id } = await startForkedRun(deps, unit, {
      repository,
      number,
      commit,
      author: offered.by,
    })
    return { status: 'done', runId: id, note: 'this commit was let run before' }
  }
  await noteReport(deps, unit, { repository, kind: 'commit', subject: commit })
  return { status: 'done', runId: null, note: 'it waits for somebody to let it run' }
}

/** Nobody has to decide on what was closed. */
export async function closePullRequest(
  unit: UnitOfWork,
  { repository, number }: { repository: string; number: number },
): Promise<void> {
  await sql`
    update github_pull_requests set status = 'closed', decided_at = ${unit.now}
    where repository = ${repository} and number = ${number} and status = 'waiting'
  `.execute(unit.trx)
}
