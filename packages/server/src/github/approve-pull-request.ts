import type { CreateRunResponse } from '@slipway/contract/runs'
import { sql } from 'kysely'
import { canSee } from '../access/index.ts'
import { transact, type UnitOfWork, type UnitOfWorkDeps } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { startRunWithin } from '../runs/index.ts'
import type { GithubDeps } from './deps.ts'
import { githubPrincipal } from './github-principal.ts'

/**
 * Lets the commit of a fork run, which it does as an untrusted run: without secrets. A
 * `resource_conflict` where it does not wait any longer, or has an active run.
 */
export async function approvePullRequest(
  deps: UnitOfWorkDeps & Pick<GithubDeps, 'orchestratedBy'>,
  input: { principal: Principal; id: string },
): Promise<CreateRunResponse> {
  const { principal, id } = input
  return transact(deps, async (unit) => {
    const row = await unit.trx
      .selectFrom('github_pull_requests')
      .select(['repository', 'number', 'author', 'commit_sha', 'status', 'run_id'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined || !canSee(principal, row.repository)) {
      throw new AppError('resource_not_found', 'There is no such pull request')
    }
    if (row.status !== 'waiting') {
      const details = row.run_id === null ? {} : { run_id: row.run_id }
      throw new AppError('resource_conflict', why[row.status], { status: row.status, ...details })
    }
    const { repository, number, author, commit_sha: commit } = row
    const run = await startForkedRun(deps, unit, { repository, number, commit, author })
    await sql`
      update github_pull_requests
      set status = 'approved', decided_at = ${unit.now}, decided_by = ${principal.name}, run_id = ${run.id}
      where id = ${id}`.execute(unit.trx)
    return run
  })
}

const why = {
  approved: 'Somebody has let this commit run already',
  superseded: 'The pull request has moved on to another commit',
  closed: 'The pull request is closed',
} as const

/** A run of what others wrote: it is fetched from our repository, and gets no secrets. */
export function startForkedRun(
  deps: Pick<GithubDeps, 'orchestratedBy'>,
  unit: UnitOfWork,
  input: { repository: string; number: number; commit: string; author: string },
): Promise<CreateRunResponse> {
  const { repository, number, commit, author } = input
  return startRunWithin(deps, unit, {
    principal: githubPrincipal,
    trusted: false,
    request: {
      repository,
      branch: `refs/pull/${number}/head`,
      commit_sha: commit,
      trigger_type: 'pull_request',
      triggered_by: author,
    },
  })
}
