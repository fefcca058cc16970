import type { Runner } from '@slipway/contract/runners'
import { type RawBuilder, sql } from 'kysely'
import type { Principal } from '../ports/identity.ts'

/** A row of `runners r`, with what `runnerColumns` adds. */
export interface RunnerRow {
  id: string
  name: string
  type: Runner['type']
  status: Runner['status']
  labels: string[]
  repository: string | null
  github_id: number | null
  class: string | null
  delegation_id: string | null
  container_id: string | null
  heartbeat: Date
  created_at: Date
}

/** Of an ephemeral runner the worker that looks after its container is the one whose heart beats. */
export const runnerColumns = sql`
  r.id, r.name, r.type, r.status, r.labels, r.repository, r.github_id, r.class, r.delegation_id,
  r.container_id, r.created_at,
  greatest(r.last_heartbeat, (
    select w.last_seen_at from delegations d
      join jobs j on j.id = d.ledger_job_id and j.state = 'running'
      join workers w on w.id = j.worker_id
     where d.id = r.delegation_id)) as heartbeat`

/** A condition on the runners `r` that the principal may see: one that serves any repository is nobody's own. */
export function visibleRunners({ repositories }: Principal): RawBuilder<boolean> {
  return repositories === null
    ? sql<boolean>`true`
    : sql<boolean>`r.repository = any(${[...repositories]}::text[])`
}

export function toRunner(row: RunnerRow): Runner {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    status: row.status,
    labels: row.labels,
    lastHeartbeat: row.heartbeat.toISOString(),
    repository: row.repository,
    runnerClass: row.class,
    jobId: row.delegation_id,
    containerId: row.container_id,
    createdAt: row.created_at.toISOString(),
  }
}
