import { sql } from 'kysely'
import { describeCommit, type CommitRun } from './describe-commit.ts'
import type { ReportSubject } from './note-report.ts'
import { reportDeployment } from './report-deployment.ts'
import type { ReportDeps } from './report-deps.ts'
import { reportRelease } from './report-release.ts'

/** Tells GitHub how something is now. Rejects with a `GitHubError` where GitHub does not take it. */
export async function report(
  deps: ReportDeps,
  about: ReportSubject,
  signal: AbortSignal,
): Promise<void> {
  switch (about.kind) {
    case 'commit':
      return reportCommit(deps, about, signal)
    case 'deployment':
      return reportDeployment(deps, about, signal)
    case 'release':
      return reportRelease(deps, about, signal)
  }
}

/** Tells our status from those of others. */
const context = 'ci/slipway'
const mostRuns = 1000

async function reportCommit(
  deps: ReportDeps,
  { repository, subject: commitSha }: ReportSubject,
  signal: AbortSignal,
): Promise<void> {
  const { rows: runs } = await sql<CommitRun>`
    select id, branch, status, failed_phase as "failedPhase", started_at as "startedAt",
           completed_at as "completedAt"
    from runs where repository = ${repository} and commit_sha = ${commitSha}
    order by started_at desc limit ${mostRuns}`.execute(deps.db)
  const { rows: waiting } = await sql`
    select 1 from github_pull_requests
    where repository = ${repository} and commit_sha = ${commitSha} and status = 'waiting' limit 1
  `.execute(deps.db)
  const shown = describeCommit(runs, { waiting: waiting.length > 0 })
  if (shown === null) return
  const { state, description, runId } = shown
  const targetUrl = runId === null ? null : `${deps.publicUrl()}/v1/runs/${runId}`
  const status = { commitSha, state, context, description, targetUrl }
  await deps.github.createCommitStatus(repository, status, signal)
}
