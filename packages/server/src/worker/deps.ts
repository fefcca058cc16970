import type { Logger } from 'pino'
import type { Mirrors } from '../git/index.ts'
import type { LogStore } from '../logs/index.ts'
import type { ExecutionLimits, Executor } from '../ports/executor.ts'
import type { ArtifactDeps } from './artifact/deps.ts'
import type { ControlPlane } from './control-plane.ts'

/** What the worker's functions need. */
export interface WorkerDeps extends ArtifactDeps {
  control: ControlPlane
  executor: Executor
  logs: LogStore
  mirrors: Mirrors
  log: Logger
  workerId: string
  /** Where workspaces are made; what is found there at start belongs to nobody. */
  workDirectory: string
  /** Where repositories keep what outlives a run: package caches and the like. */
  cacheDirectory: string
  /** Where secrets are that steps get as files: nobody else's, in memory if there is such a place. */
  secretsDirectory: string
  /** Every step runs in an image: what this machine has tells nothing of what a step finds. */
  stepsInImages?: boolean
  /** Limits of every step but for its time. */
  stepLimits: Omit<ExecutionLimits, 'timeoutMs'>
}
