import type { PipelineStatus } from '@slipway/contract/pipelines'

const unfinished: Readonly<Record<string, PipelineStatus>> = {
  in_progress: 'running',
  queued: 'pending',
  requested: 'pending',
  waiting: 'pending',
  pending: 'pending',
}

const finished: Readonly<Record<string, PipelineStatus>> = {
  success: 'success',
  neutral: 'success',
  skipped: 'success',
  failure: 'failure',
  cancelled: 'failure',
  timed_out: 'failure',
  startup_failure: 'failure',
  stale: 'failure',
  action_required: 'failure',
}

/**
 * Our status of GitHub's `status` and `conclusion` of a run or a job. A word that GitHub may add one
 * day never reads as a success: an unknown end is a failure, an unknown state is not yet running.
 */
export function mapStatus(githubStatus: string, conclusion: string | null): PipelineStatus {
  if (githubStatus === 'completed') return own(finished, conclusion ?? '') ?? 'failure'
  return own(unfinished, githubStatus) ?? 'pending'
}

/**
 * Whether a run waits until somebody lets it begin. GitHub calls that an end, and goes on with the same
 * attempt afterwards.
 */
export function awaitsApproval(run: { githubStatus: string; conclusion: string | null }): boolean {
  return run.githubStatus === 'completed' && run.conclusion === 'action_required'
}

/** How far a state is: a run, a job or a step only ever goes up. */
export function progressOf(githubStatus: string): 0 | 1 | 2 {
  if (githubStatus === 'completed') return 2
  return githubStatus === 'in_progress' ? 1 : 0
}

function own(table: Readonly<Record<string, PipelineStatus>>, word: string) {
  return Object.hasOwn(table, word) ? table[word] : undefined
}
