import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { Environments } from '../environments/index.ts'

/** What the functions of this room need. */
export interface ApprovalsDeps extends UnitOfWorkDeps {
  environments: Environments
}
