import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { GitHub } from '../ports/github.ts'

/** What the functions of this room need. */
export interface GithubDeps extends UnitOfWorkDeps {
  /** What deliveries are signed with; null: none are taken. */
  webhookSecret: string | null
  /** Whether deliveries about this repository start anything. */
  wants: (repository: string) => boolean
  /** Null: GitHub is told nothing, and asked nothing. */
  github: GitHub | null
  /** Told when there is something to do, so that nobody polls. */
  wakeDeliveries: () => void
  wakeReports: () => void
}
