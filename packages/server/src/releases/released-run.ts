import { type Kysely, sql } from 'kysely'
import { canSee } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

/** The run that a release is made of. */
export interface ReleasedRun {
  id: string
  repository: string
  commitSha: string
  branch: string
  triggeredBy: string
}

interface RunState extends ReleasedRun {
  status: string
  trusted: boolean
  /** Whether its configuration is known. */
  discovered: boolean
  /** Phases that are not done. */
  open: string[]
}

/**
 * The run, if a release can be made of it: of this repository and this commit (which may be
 * abbreviated), trusted, with every phase before the releases themselves behind it. Each refusal says
 * what is wrong; `principal` null is this server's own worker.
 */
export async function requireRun(
  db: Kysely<Tables>,
  input: { principal: Principal | null; runId: string; repository: string; commit: string },
): Promise<ReleasedRun> {
  const { principal, runId, repository, commit } = input
  const { rows } = await sql<RunState>`
    select r.id, r.repository, r.commit_sha as "commitSha", r.branch,
           r.triggered_by as "triggeredBy", r.status, r.trusted,
           exists (select from run_configurations c where c.run_id = r.id) as discovered,
           array(select p.name from phases p
                 where p.run_id = r.id and p.status not in ('success', 'skipped')
                   and not exists (select from tasks t where t.phase_id = p.id and t.kind = 'release')
                 order by p.position) as open
    from runs r where r.id = ${runId}`.execute(db)
  const [run] = rows
  if (run === undefined || (principal !== null && !canSee(principal, run.repository))) {
    throw new AppError('resource_not_found', `There is no run ${runId}`)
  }
  if (run.repository !== repository) {
    throw refusal(`Run ${runId} is of ${run.repository}, not of ${repository}`, '/pipeline_run_id')
  }
  if (!run.commitSha.startsWith(commit)) {
    throw refusal(`Run ${runId} is of commit ${run.commitSha}, not of ${commit}`, '/commit_sha')
  }
  const { status, trusted, discovered, open, ...released } = run
  if (!trusted) {
    throw new AppError(
      'resource_conflict',
      `Run ${runId} is of a commit from outside of the repository, of which no release is made`,
    )
  }
  if (status === 'failed' || status === 'cancelled') {
    throw new AppError(
      'resource_conflict',
      `Run ${runId} has ${status === 'failed' ? 'failed' : 'been cancelled'}; only what has passed is released`,
      { status },
    )
  }
  if (!discovered || open.length > 0) {
    const waits = discovered ? `phases to come: ${open.join(', ')}` : 'no phases yet'
    throw new AppError('resource_conflict', `Run ${runId} is not done: it has ${waits}`, {
      status,
      phases: open,
    })
  }
  return released
}

function refusal(message: string, path: string): AppError {
  return new AppError('invalid_request', message, { problems: [{ path, message }] })
}

/**
 * The newest successful run of a commit that made every one of these artifacts of a project; null
 * where there is none. What a fork's pull request made unasked is never taken.
 */
export async function findRunWithArtifacts(
  db: Kysely<Tables>,
  input: {
    repository: string
    project: string
    commitSha: string
    artifacts: readonly string[]
  },
): Promise<ReleasedRun | null> {
  const { repository, project, commitSha, artifacts } = input
  const { rows } = await sql<ReleasedRun>`
    select r.id, r.repository, r.commit_sha as "commitSha", r.branch,
           r.triggered_by as "triggeredBy"
    from runs r
    where r.repository = ${repository} and r.commit_sha = ${commitSha}
      and r.status = 'success' and r.trusted and r.trigger_type <> 'pull_request'
      and (select count(*) from artifacts a
           where a.run_id = r.id and a.project = ${project}
             and a.name = any(${artifacts}::text[])) = ${artifacts.length}
    order by r.repository_ordinal desc limit 1`.execute(db)
  return rows[0] ?? null
}
