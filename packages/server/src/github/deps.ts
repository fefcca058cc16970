import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { WorkflowDeliveries } from '../monitor/index.ts'
import type { GitHub } from '../ports/github.ts'
import type { RunsDeps } from '../runs/index.ts'
import type { StoreDelivery } from './store-deliveries.ts'

/** What the functions of this room need. */
export interface GithubDeps extends UnitOfWorkDeps, Pick<RunsDeps, 'orchestratedBy'> {
  /** What deliveries are signed with; null: none are taken. */
  webhookSecret: string | null
  storeDelivery: StoreDelivery
  /** Whether deliveries about this repository start anything. */
  wants: (repository: string) => boolean
  /** Null: GitHub is told nothing, and asked nothing. */
  github: GitHub | null
  /** Who is told of workflows; null: nobody. */
  workflows: WorkflowDeliveries | null
  /** Told when there is something to do, so that nobody polls; the first, of what event of GitHub's. */
  wakeDeliveries: (event: string) => void
  wakeReports: () => void
}
