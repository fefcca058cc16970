import type { BuildJob, TaskJob } from '@slipway/contract/jobs'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

interface Held {
  id: string
  type: string
  run_id: string | null
  payload: unknown
}

/** Whether the object is one that a job in the worker's hands reads or makes. */
export async function mayTouchObject(
  deps: { db: Kysely<Tables> },
  input: { workerId: string; key: string },
): Promise<boolean> {
  const { rows } = await sql<Held>`
    select id, type, run_id, payload from jobs
     where worker_id = ${input.workerId}::uuid and state = 'running'`.execute(deps.db)
  return rows.some((job) => isOfJob(job, input.key))
}

/** `key` may be a prefix, which ends in `/`. */
export function isOfJob(job: Held, key: string): boolean {
  if (
    job.run_id !== null &&
    key === `pipeline-runs/${job.run_id}/results/${job.type}/${job.id}.json`
  ) {
    return true
  }
  const prefix = prefixOf(job)
  return prefix !== null && key.startsWith(prefix)
}

function prefixOf({ type, payload }: Held): string | null {
  if (type === 'task' || type === 'artifact') {
    const { run_id: runId, project } = payload as TaskJob
    return `pipeline-runs/${runId}/artifacts/${project}/`
  }
  return type === 'build' ? `builds/${(payload as BuildJob).build_id}/outputs/` : null
}
