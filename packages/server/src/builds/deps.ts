import type { Log } from '../db/log.ts'
import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { EventFeed } from '../events/index.ts'
import type { LogStore } from '../logs/index.ts'
import type { ImageEngine, ImageLogin } from '../ports/image-engine.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { RepositoriesDeps } from '../repositories/index.ts'
import type { StepLimits } from './step-limits.ts'

/** What the functions of this room need, all together. */
export interface BuildsDeps extends UnitOfWorkDeps {
  log: Log
  /** Tells whoever works on these jobs to stop; the ledger already says so. */
  stopJobs: (jobIds: readonly string[]) => void
  feed: EventFeed
  logs: LogStore
  objects: ObjectStore
  repositories: Omit<RepositoriesDeps, 'accessDirectory'>
  official: OfficialRepository
  /** Milliseconds that each step may take. */
  limits: StepLimits
  /** The login of a registry; null: it needs none. An AppError says why there is none. */
  openRegistryLogin: (input: { registryId: number }) => Promise<ImageLogin | null>
  /** Local images, which are removed here. */
  images: Pick<ImageEngine, 'find' | 'list' | 'remove'>
}

/** What is built where a build names no repository. Source: OFFICIAL_REPOSITORY_URL. */
export interface OfficialRepository {
  url: string
  branch: string
}
