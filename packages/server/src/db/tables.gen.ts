// Generated from the migrated database by `npm run generate`. Do not edit.

import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

export interface AuditLogTable {
  id: GeneratedAlways<number>
  at: ColumnType<Date, Date | string | undefined, Date | string>
  actor: string
  action: string
  resource: string
  address: string
  outcome: number
  request_id: string
}

export interface EventSequenceTable {
  only: Generated<boolean>
  last: number
}

export interface EventsTable {
  id: GeneratedAlways<number>
  seq: number | null
  event_type: string
  repository: string | null
  run_id: string | null
  occurred_at: ColumnType<Date, Date | string, Date | string>
  data: ColumnType<unknown, string, string>
}

export interface JobHistoryTable {
  id: string
  type: string
  subject: string
  run_id: string | null
  payload: ColumnType<unknown, string, string>
  state: string
  attempt: number
  worker_id: string | null
  result: ColumnType<unknown, string | null, string | null>
  error: string | null
  created_at: ColumnType<Date, Date | string, Date | string>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  finished_at: ColumnType<Date, Date | string, Date | string>
}

export interface JobsTable {
  id: string
  type: string
  subject: string
  run_id: string | null
  payload: ColumnType<unknown, string, string>
  state: Generated<'queued' | 'running' | 'succeeded' | 'failed' | 'dead' | 'cancelled'>
  attempt: Generated<number>
  max_attempts: Generated<number>
  timeout_ms: number
  run_at: ColumnType<Date, Date | string | undefined, Date | string>
  deadline_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  worker_id: string | null
  result: ColumnType<unknown, string | null, string | null>
  error: string | null
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  finished_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface LeasesTable {
  name: string
  holder: string
  expires_at: ColumnType<Date, Date | string, Date | string>
}

export interface PhasesTable {
  id: string
  run_id: string
  position: number
  name: string
  group_number: number
  timeout_ms: number
  status: Generated<'pending' | 'running' | 'success' | 'failed' | 'skipped'>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface RunOrdinalsTable {
  repository: string
  branch: string
  first: Generated<number>
  last: Generated<number>
}

export interface RunsTable {
  id: string
  repository: string
  branch: string
  commit_sha: string
  status: Generated<'pending' | 'running' | 'success' | 'failed' | 'cancelled'>
  trigger_type: string
  triggered_by: string
  message: string | null
  problems: ColumnType<unknown, string | null, string | null>
  failed_phase: string | null
  repository_ordinal: number
  branch_ordinal: number
  started_at: ColumnType<Date, Date | string | undefined, Date | string>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface StepsTable {
  id: string
  run_id: string
  task_id: string
  attempt: Generated<number>
  position: number
  name: string
  definition: ColumnType<unknown, string, string>
  status: Generated<'pending' | 'running' | 'success' | 'failed'>
  exit_code: number | null
  error: string | null
  log_key: string
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface TaskAttemptsTable {
  task_id: string
  attempt: number
  worker_id: string | null
  started_at: ColumnType<Date, Date | string | undefined, Date | string>
  ended_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  outcome: 'success' | 'failed' | 'lost' | null
  error: string | null
}

export interface TasksTable {
  id: string
  run_id: string
  phase_id: string
  position: number
  project_name: string
  project_path: string
  status: Generated<'pending' | 'running' | 'success' | 'failed'>
  error: string | null
  job_id: string | null
  attempt: Generated<number>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface TicketsTable {
  secret_sha256: Buffer
  principal: ColumnType<unknown, string, string>
  expires_at: ColumnType<Date, Date | string, Date | string>
}

export interface TokensTable {
  id: string
  name: string
  secret_sha256: Buffer
  roles: string[]
  repositories: string[] | null
  created_by: string
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
  expires_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  last_used_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  revoked_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface WorkersTable {
  id: string
  name: string
  home: string
  types: string[]
  capacity: number
  started_at: ColumnType<Date, Date | string | undefined, Date | string>
  last_seen_at: ColumnType<Date, Date | string | undefined, Date | string>
}

/** Every table of the database, by its name. */
export interface Tables {
  audit_log: AuditLogTable
  event_sequence: EventSequenceTable
  events: EventsTable
  job_history: JobHistoryTable
  jobs: JobsTable
  leases: LeasesTable
  phases: PhasesTable
  run_ordinals: RunOrdinalsTable
  runs: RunsTable
  steps: StepsTable
  task_attempts: TaskAttemptsTable
  tasks: TasksTable
  tickets: TicketsTable
  tokens: TokensTable
  workers: WorkersTable
}
