import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { Orchestration } from './run-rows.ts'

/** What the functions of this room need. */
export interface RunsDeps extends UnitOfWorkDeps {
  /** Tells whoever works on these jobs to stop; the ledger already says so. */
  stopJobs: (jobIds: readonly string[]) => void
  /** Who orchestrates the runs that are started. Absent: this server. */
  orchestratedBy?: Orchestration
}
