import type { RetentionKind } from '@slipway/contract/retention'
import { type RawBuilder, sql } from 'kysely'

/** What is removed together by a pass, and noted by this name. */
export interface Part {
  kind: RetentionKind
  /** For people. */
  what: string
  /** What is counted. */
  rows: RawBuilder<unknown>
  /** Whose estimate stands in where there are too many to count; with their partitions. */
  estimated: string
  /** What they fill; none: they are not in the database. */
  tables: readonly string[]
}

const all = (table: string) => sql`select from ${sql.table(table)}`

/** Every part, by the name that passes are noted with. */
export const parts = {
  runs: {
    kind: 'runs',
    what: 'runs',
    rows: all('runs'),
    estimated: 'runs',
    tables: ['runs', 'phases', 'tasks', 'task_attempts', 'steps'],
  },
  builds: {
    kind: 'runs',
    what: 'builds',
    rows: all('builds'),
    estimated: 'builds',
    tables: ['builds', 'build_steps', 'build_outputs'],
  },
  delegations: {
    kind: 'runs',
    what: 'delegated jobs',
    rows: all('delegations'),
    estimated: 'delegations',
    tables: ['delegations'],
  },
  logs: {
    kind: 'logs',
    what: 'logs of ended runs',
    rows: sql`select from runs where completed_at is not null and logs_deleted_at is null`,
    estimated: 'runs_with_logs',
    tables: [],
  },
  jobs: {
    kind: 'jobs',
    what: 'jobs of the history',
    rows: all('job_history'),
    estimated: 'job_history',
    tables: ['job_history'],
  },
  events: {
    kind: 'events',
    what: 'events',
    rows: all('events'),
    estimated: 'events',
    tables: ['events'],
  },
  audit: {
    kind: 'audit',
    what: 'entries of the audit log',
    rows: all('audit_log'),
    estimated: 'audit_log',
    tables: ['audit_log'],
  },
} as const satisfies Record<string, Part>
export type PartName = keyof typeof parts
