import type { DelegationStatus } from '@slipway/contract/delegations'
import type { JobClaim } from '../jobs/index.ts'
import type { ContainerSpec } from '../ports/container-host.ts'

/**
 * What a worker that looks after a delegation's container tells the control plane and asks of it. Every
 * call names the attempt that the worker holds and fails with a `resource_conflict` when that is not so
 * any more; the container then stays, and whoever has the next attempt finds it.
 */
export interface DelegationControl {
  /** Takes the delegation on: what to run, and what an earlier attempt got to. */
  beginDelegation(input: { delegationId: string; claim: JobClaim }): Promise<DelegationAttempt>
  /** Asked right before a container is started; GitHub gives each configuration once. */
  openRunnerConfiguration(
    input: { delegationId: string; claim: JobClaim },
    signal: AbortSignal,
  ): Promise<{ env: Readonly<Record<string, string>>; secrets: readonly string[] }>
  /** Its container has not been started, and is gone: another worker may make one. */
  reportDelegationNotStarted(input: { delegationId: string; claim: JobClaim }): Promise<void>
  /** Its container runs. */
  reportDelegationRunning(input: {
    delegationId: string
    claim: JobClaim
    containerId: string
  }): Promise<void>
  /** Ends the delegation and settles its job. */
  completeDelegation(input: {
    delegationId: string
    claim: JobClaim
    result: DelegationResult
  }): Promise<void>
  /** Those of these delegations that are not over. */
  findUnfinished(delegationIds: readonly string[]): Promise<readonly string[]>
}

export interface DelegationAttempt {
  delegationId: string
  /** 1 for the first. */
  number: number
  repository: string
  logKey: string
  className: string
  /** Container that an earlier attempt started; null: none was. */
  containerId: string | null
  hasStarted: boolean
  spec: ContainerSpec
  /** Milliseconds. */
  timeoutMs: number
}

export interface DelegationResult {
  status: Extract<DelegationStatus, 'completed' | 'failed' | 'cancelled'>
  exitCode: number | null
  /** For people, e.g. "lost", "out of memory"; null where there is nothing to say. */
  reason: string | null
}

/** Labels of our containers: whose they are, and for what. */
export const containerLabels = {
  /** Id of the data directory or installation, so that two servers on one engine do not meet. */
  owner: 'io.slipway.owner',
  delegation: 'io.slipway.delegation',
  /** Class that a warm container was created for. */
  warm: 'io.slipway.warm',
} as const
