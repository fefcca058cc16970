import type { UnitOfWorkDeps } from '../../db/unit-of-work.ts'
import type { DutyDeps } from '../../duties/index.ts'
import type { RequestBudget } from '../../ports/github-actions.ts'
import type { GitHubRunners } from '../../ports/github-runners.ts'
import type { SettleDeps } from './settle-queue-job.ts'

/** What keeps delegations and runners as GitHub has them. */
export interface QueueDeps extends UnitOfWorkDeps, DutyDeps, SettleDeps {
  runners: GitHubRunners
  budget(): RequestBudget | null
  /** owner/name of repositories that GitHub may queue jobs of, besides those that a class names. */
  listRepositories(): Promise<readonly string[]>
  /** Milliseconds between two looks at a repository that has jobs of ours; of others four times that. */
  pollMs: number
}

/** A share of the hour's requests that is left to others. */
const spared = 0.1

export function hasBudget({ budget }: Pick<QueueDeps, 'budget'>): boolean {
  const left = budget()
  return left === null || left.remaining > left.limit * spared
}
