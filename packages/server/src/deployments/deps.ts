import type { Log } from '../db/log.ts'
import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { Environments } from '../environments/index.ts'
import type { GitOpsRepository } from './gitops/gitops-repository.ts'

/** What the functions of this room need. */
export interface DeploymentsDeps extends UnitOfWorkDeps {
  log: Log
  gitops: GitOpsRepository
  environments: Environments
  /** A UUID of this process: the id of its worker. */
  holder: string
  /** Deployments that this process is preparing right now. */
  inHand: Set<string>
  /** What is waited for: `callback` reports come in by `reportDeployment`. */
  reconcilerName: string
  /** Has the duties look at once at what is pending or left over. Never throws. */
  wakeDuties: () => void
}
