import type { PhaseStatus, RunStatus, WorkStatus } from '@slipway/contract/runs'
import { type Transaction, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { RunSnapshot } from './advance-run.ts'

/** A run whose row this transaction holds: nobody else changes anything of the run meanwhile. */
export interface LockedRun {
  id: string
  repository: string
  branch: string
  commitSha: string
  status: RunStatus
  triggerType: 'push' | 'pull_request' | 'manual'
  /** False: its commit is of somebody from outside of the repository. */
  trusted: boolean
  startedAt: Date
  /** Who says when a stage of it begins. */
  orchestrator: Orchestration
  /** The highest group of phases that was released to begin, where the server does not orchestrate it. */
  releasedGroup: number | null
}

/** `server`: stages begin when their turn comes; `argo`: when a step of a workflow releases them, too. */
export type Orchestration = 'server' | 'argo'

/** Locks the run, by its own id or by that of one of its tasks or steps. Null when there is none. */
export async function lockRun(
  trx: Transaction<Tables>,
  by: { run: string } | { task: string } | { step: string },
): Promise<LockedRun | null> {
  const id =
    'run' in by
      ? sql`${by.run}::uuid`
      : 'task' in by
        ? sql`(select run_id from tasks where id = ${by.task})`
        : sql`(select run_id from steps where id = ${by.step})`
  const { rows } = await sql<LockedRun>`
    select id, repository, branch, commit_sha as "commitSha", status,
           trigger_type as "triggerType", trusted, started_at as "startedAt",
           orchestrator, released_group as "releasedGroup"
    from runs where id = ${id} for update`.execute(trx)
  return rows[0] ?? null
}

/** What the decision about the run's next move looks at; the run must be locked. */
export async function loadSnapshot(trx: Transaction<Tables>, run: LockedRun): Promise<RunSnapshot> {
  const { rows } = await sql<{
    phase_id: string
    phase: string
    group_number: number
    phase_status: PhaseStatus
    task_id: string | null
    project_name: string
    status: WorkStatus
    dispatched: boolean
    error: string | null
  }>`
    select p.id as phase_id, p.name as phase, p.group_number, p.status as phase_status,
           t.id as task_id, t.project_name, t.status, t.job_id is not null as dispatched, t.error
    from phases p left join tasks t on t.phase_id = p.id
    where p.run_id = ${run.id} order by p.position, t.position`.execute(trx)
  const phases = new Map<string, RunSnapshot['phases'][number] & { tasks: unknown[] }>()
  for (const row of rows) {
    let phase = phases.get(row.phase_id)
    if (phase === undefined) {
      phase = {
        id: row.phase_id,
        name: row.phase,
        group: row.group_number,
        status: row.phase_status,
        tasks: [],
      }
      phases.set(row.phase_id, phase)
    }
    if (row.task_id === null) continue
    phase.tasks.push({
      id: row.task_id,
      project: row.project_name,
      status: row.status,
      dispatched: row.dispatched,
      error: row.error,
    })
  }
  const released = run.orchestrator === 'server' ? {} : { released: run.releasedGroup ?? 0 }
  return { status: run.status, phases: [...phases.values()], ...released }
}
