import type { RunStatus } from '@slipway/contract/runs'
import type { NewCommitStatus } from '../ports/github.ts'

/** A run of a commit, as far as its status shows it. */
export interface CommitRun {
  id: string
  /** Branch, tag or pull request. */
  branch: string
  status: RunStatus
  failedPhase: string | null
  startedAt: Date
  completedAt: Date | null
}

export interface CommitDescription {
  state: NewCommitStatus['state']
  description: string
  /** The run that decided it; null: none has. */
  runId: string | null
}

/** Statuses in the order in which they decide: what goes on, then the worst. */
const order: readonly RunStatus[] = ['running', 'pending', 'failed', 'cancelled', 'success']
const states: Readonly<Record<RunStatus, NewCommitStatus['state']>> = {
  running: 'pending',
  pending: 'pending',
  failed: 'failure',
  cancelled: 'error',
  success: 'success',
}

/**
 * What GitHub shows of a commit: one status for the newest run of each of its refs. Null: there is
 * nothing to show. `waiting`: somebody must let its pull request run first.
 */
export function describeCommit(
  runs: readonly CommitRun[],
  { waiting }: { waiting: boolean },
): CommitDescription | null {
  const newest = new Map<string, CommitRun>()
  for (const run of runs.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime())) {
    newest.set(run.branch, run)
  }
  const all = [...newest.values()]
  for (const status of order) {
    const such = all.filter((run) => run.status === status)
    const last = such.at(-1)
    if (last === undefined) continue
    const of = all.length === 1 ? '' : ` (${such.length} of ${all.length} runs)`
    return { state: states[status], description: `${words(last)}${of}`, runId: last.id }
  }
  if (!waiting) return null
  const description = 'Waiting for an operator to let this pull request run'
  return { state: 'pending', description, runId: null }
}

const longestPhase = 60

function words({ status, failedPhase, startedAt, completedAt }: CommitRun): string {
  const seconds = ((completedAt ?? startedAt).getTime() - startedAt.getTime()) / 1000
  const after = ` after ${formatSeconds(Math.max(0, Math.round(seconds)))}`
  switch (status) {
    case 'pending':
      return 'Waiting to start'
    case 'running':
      return 'Running'
    case 'success':
      return `Succeeded${after}`
    case 'cancelled':
      return `Cancelled${after}`
    case 'failed':
      return `Failed${failedPhase === null ? '' : ` in ${failedPhase.slice(0, longestPhase)}`}${after}`
  }
}

function formatSeconds(seconds: number): string {
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const parts = [hours > 0 && `${hours}h`, minutes > 0 && `${minutes}m`, `${seconds % 60}s`]
  return parts.filter(Boolean).join(' ')
}
