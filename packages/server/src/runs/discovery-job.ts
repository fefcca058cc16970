import type { DiscoveryJob } from '@slipway/contract/jobs'
import { v7 as uuid } from 'uuid'
import type { NewJob } from '../db/unit-of-work.ts'
import type { LockedRun } from './run-rows.ts'

/** Milliseconds a discovery may take (API & Operations Reference, "Timeout Handling"). */
export const discoveryTimeoutMs = 600_000

/** The job that finds out what a run has to do. */
export function discoveryJob(
  run: Pick<LockedRun, 'id' | 'repository' | 'branch' | 'commitSha'>,
): NewJob {
  const payload: DiscoveryJob = {
    run_id: run.id,
    repository: run.repository,
    branch: run.branch,
    commit_sha: run.commitSha,
  }
  return {
    id: uuid(),
    type: 'discovery',
    subject: `pipeline.discovery.${run.id}`,
    runId: run.id,
    payload,
    timeoutMs: discoveryTimeoutMs,
  }
}
