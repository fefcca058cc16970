import type { UnitOfWorkDeps } from '../../db/unit-of-work.ts'
import type { DutyDeps } from '../../duties/index.ts'
import type { GitHubActions } from '../../ports/github-actions.ts'

/** What fills the store of this room needs. */
export interface IngestDeps extends UnitOfWorkDeps, DutyDeps {
  actions: GitHubActions
  /** owner/name each; null: every repository that the credential sees and that has a workflow. */
  configured: readonly string[] | null
  /** Milliseconds from the start of one poll of a repository to that of the next. */
  pollMs: number
  /** Milliseconds from one look at runs that are too old for polls to the next. */
  rescanMs: number
  observe: MonitorObserver
}

/** Told of what happens, for metrics. Must not throw. */
export interface MonitorObserver {
  /** A poll has ended: `unchanged` cost nothing of GitHub's budget. */
  poll(outcome: 'changed' | 'unchanged' | 'failed'): void
  /** Milliseconds from when a delivery came until it was stored. */
  lag(ms: number): void
}

/** Days of which all runs are to be here. */
export const backfillDays = 90
export const dayMs = 86_400_000

/** Whether more than this share of GitHub's requests is left, as far as is known. */
export function hasBudget({ actions }: Pick<IngestDeps, 'actions'>, share: number): boolean {
  const budget = actions.budget()
  return budget === null || budget.remaining > budget.limit * share
}
