import type { CreateRunRequest, CreateRunResponse } from '@slipway/contract/runs'
import { type Transaction, sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { transact, type UnitOfWork } from '../db/unit-of-work.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import type { RunsDeps } from './deps.ts'
import { discoveryJob } from './discovery-job.ts'
import { requireRefName } from './require-ref-name.ts'
import { workflowName } from './workflow-name.ts'

/** Active runs that one repository may have (API & Operations Reference, "API Rate Limits"). */
const maxActiveRuns = 100

/**
 * Accepts a commit for a run: stores the run, announces it and asks for its discovery, in
 * one transaction. A second active run of the same commit and ref is a `resource_conflict`
 * with the first one's id; more than `maxActiveRuns` are `limit_exceeded`.
 *
 * The head of a pull request is trusted only where GitHub has said before that it is the repository's
 * own: whoever asks for it here may be asking for a stranger's.
 */
export async function startRun(
  deps: RunsDeps,
  input: Omit<StartRunInput, 'trusted'>,
): Promise<CreateRunResponse> {
  return transact(deps, async (unit) => {
    const trusted = await isTrusted(unit.trx, input.request)
    return startRunWithin(deps, unit, { ...input, trusted })
  })
}

async function isTrusted(trx: Transaction<Tables>, request: CreateRunRequest): Promise<boolean> {
  const { repository, branch, commit_sha: commit } = request
  if (!/^refs\/pull\//i.test(branch)) return true
  const before = await trx
    .selectFrom('runs')
    .select('id')
    .where('repository', '=', repository)
    .where('branch', '=', branch)
    .where('commit_sha', '=', commit.toLowerCase())
    .where('trusted', '=', true)
    .limit(1)
    .executeTakeFirst()
  return before !== undefined
}

export interface StartRunInput {
  principal: Principal
  request: CreateRunRequest
  /** False: what it runs is a stranger's, and gets no secrets. Default true. */
  trusted?: boolean
}

/** The same within a transaction of the caller's: what asked for the run is done with when it is there. */
export async function startRunWithin(
  { orchestratedBy = 'server' }: Pick<RunsDeps, 'orchestratedBy'>,
  unit: UnitOfWork,
  input: StartRunInput,
): Promise<CreateRunResponse> {
  const { principal, request, trusted = true } = input
  const { repository, branch } = request
  requireVisible(principal, repository)
  requireRefName(branch)
  const commit = request.commit_sha.toLowerCase()
  const triggeredBy = principal.roles.includes('service-account')
    ? (request.triggered_by ?? principal.name)
    : principal.name

  // Raising the ordinals locks the repository's counter: what follows is one at a time in a repository.
  const repositoryOrdinal = await nextOrdinal(unit.trx, repository, '')
  const branchOrdinal = await nextOrdinal(unit.trx, repository, branch)
  await refuseWhereActive(unit.trx, { repository, branch, commit })
  const id = uuid()
  await unit.trx
    .insertInto('runs')
    .values({
      id,
      repository,
      branch,
      commit_sha: commit,
      trigger_type: request.trigger_type,
      triggered_by: triggeredBy,
      trusted,
      orchestrator: orchestratedBy,
      repository_ordinal: repositoryOrdinal,
      branch_ordinal: branchOrdinal,
      started_at: unit.now,
    })
    .execute()
  unit.emit({
    type: 'pipeline.run.created',
    repository,
    runId: id,
    data: { run_id: id, repository, branch, commit_sha: commit, triggered_by: triggeredBy },
  })
  if (orchestratedBy === 'server') {
    unit.enqueue(discoveryJob({ id, repository, branch, commitSha: commit }))
  } else {
    await unit.trx
      .insertInto('run_workflows')
      .values({ run_id: id, name: workflowName(id), next_attempt_at: unit.now })
      .execute()
  }
  return { id, status: 'pending', started_at: unit.now.toISOString() }
}

async function nextOrdinal(
  trx: Transaction<Tables>,
  repository: string,
  branch: string,
): Promise<number> {
  const row = await trx
    .insertInto('run_ordinals')
    .values({ repository, branch, last: 1 })
    .onConflict((conflict) =>
      conflict
        .columns(['repository', 'branch'])
        .doUpdateSet({ last: sql<number>`run_ordinals.last + 1` }),
    )
    .returning('last')
    .executeTakeFirstOrThrow()
  return row.last
}

async function refuseWhereActive(
  trx: Transaction<Tables>,
  run: { repository: string; branch: string; commit: string },
): Promise<void> {
  const active = await trx
    .selectFrom('runs')
    .select(['id', 'branch', 'commit_sha'])
    .where('repository', '=', run.repository)
    .where('status', 'in', ['pending', 'running'])
    .limit(maxActiveRuns)
    .execute()
  const same = active.find((row) => row.branch === run.branch && row.commit_sha === run.commit)
  if (same !== undefined) {
    throw new AppError('resource_conflict', 'This commit and ref already have an active run', {
      run_id: same.id,
    })
  }
  if (active.length >= maxActiveRuns) {
    throw new AppError(
      'limit_exceeded',
      `${run.repository} has ${maxActiveRuns} active runs, as many as it may have`,
      { limit: maxActiveRuns },
    )
  }
}
