import type { Attempt, Discovery, WorkReport } from '../runs/index.ts'
import type { JobClaim } from '../jobs/index.ts'

/**
 * What a worker tells the control plane and asks of it. In one process these are the
 * functions of the runs room; elsewhere they are requests to the API. Every call may
 * fail with a `resource_conflict`, which means: stop, the work is no longer yours.
 */
export interface ControlPlane {
  completeDiscovery(input: { runId: string; claim: JobClaim; discovery: Discovery }): Promise<void>
  beginAttempt(input: { taskId: string; claim: JobClaim }): Promise<Attempt>
  reportWork(input: { taskId: string; report: WorkReport }): Promise<void>
}
