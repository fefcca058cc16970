import type { RepositoryLocation } from '../repositories/index.ts'
import type { Attempt, Discovery, ProducedArtifact, RunSecrets, WorkReport } from '../runs/index.ts'
import type { UnaskedDeployment } from '../deployments/index.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { RunRelease } from '../releases/index.ts'

/**
 * What a worker tells the control plane and asks of it. In one process these are the
 * functions of the runs room; elsewhere they are requests to the API. Every call may
 * fail with a `resource_conflict`, which means: stop, the work is no longer yours.
 */
export interface ControlPlane {
  completeDiscovery(input: { runId: string; claim: JobClaim; discovery: Discovery }): Promise<void>
  /** Where the repository of a job's run is, with what opens it. */
  locateRepository(input: { claim: JobClaim }): Promise<RepositoryLocation>
  beginAttempt(input: { taskId: string; claim: JobClaim }): Promise<Attempt>
  /** The secrets of a job's run; an `unavailable` names one that cannot be decrypted. */
  readSecrets(input: { claim: JobClaim; names: readonly string[] }): Promise<RunSecrets>
  reportWork(input: { taskId: string; claim: JobClaim; report: WorkReport }): Promise<void>
  /** Deploys a release unasked. Rejects with what may pass; repeating is harmless. */
  deploy(input: {
    releaseId: string
    environment: string
    claim: JobClaim
  }): Promise<UnaskedDeployment>
  /** Stores what an artifact's task came to; the report of its end is still to come. */
  completeArtifact(input: {
    taskId: string
    claim: JobClaim
    attempt: number
    artifact: ProducedArtifact
  }): Promise<void>
  /**
   * Makes the release that a task is for. An AppError is why it can't be, but for `unavailable` and for
   * the loss of the claim (`isClaimLost`).
   */
  createRelease(
    input: {
      runId: string
      repository: string
      project: string
      commitSha: string
      claim: JobClaim
    },
    signal: AbortSignal,
  ): Promise<RunRelease>
}
