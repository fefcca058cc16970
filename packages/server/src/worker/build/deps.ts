import type { Logger } from 'pino'
import type { BuildControl } from '../../builds/index.ts'
import type { LogStore } from '../../logs/index.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { BuildImageDeps } from './build-image.ts'
import type { CloneDeps } from './clone/deps.ts'
import type { PushImageDeps } from './push-image.ts'
import type { StepTimeouts } from './run-steps.ts'

/** What it takes to do builds. */
export interface BuildWorkDeps extends CloneDeps, BuildImageDeps, PushImageDeps {
  builds: BuildControl
  objects: ObjectStore
  logs: LogStore
  log: Logger
  workerId: string
  /** Where trees are made; what is found there at start belongs to nobody. */
  workDirectory: string
  timeouts: StepTimeouts
}
