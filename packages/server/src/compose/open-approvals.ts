import type { ApprovalsDeps } from '../approvals/index.ts'
import type { Config } from '../config/read-config.ts'
import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import { type Environments, openEnvironments } from '../environments/index.ts'

/** The environments of the configuration, and what approves releases for them. */
export function openApprovals(
  config: Config,
  unitOfWork: UnitOfWorkDeps,
): { environments: Environments; approvals: ApprovalsDeps } {
  const { db, wakeEvents, wakeJobs } = unitOfWork
  const environments = openEnvironments(config.environments)
  return { environments, approvals: { db, wakeEvents, wakeJobs, environments } }
}
