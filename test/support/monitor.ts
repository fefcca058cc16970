import { sql } from 'kysely'
import { transact, type UnitOfWork } from '../../packages/server/src/db/unit-of-work.ts'
import type {
  JobSnapshot,
  RunSnapshot,
  StepSnapshot,
} from '../../packages/server/src/monitor/index.ts'
import type { TestDatabase } from './database.ts'

type Db = TestDatabase['db']

/** A run as the document's example has it, three minutes of work. */
export function sampleRun(more: Partial<RunSnapshot> = {}): RunSnapshot {
  const id = more.id ?? 123456789
  return {
    id,
    workflowId: 42,
    workflowName: 'CI/CD Pipeline',
    workflowPath: '.github/workflows/ci.yml',
    runNumber: 1,
    attempt: 1,
    event: 'push',
    branch: 'main',
    commitSha: 'abc123def456',
    commitMessage: 'Add new feature',
    actor: 'username',
    url: `https://github.com/owner/repo-name/actions/runs/${id}`,
    githubStatus: 'completed',
    conclusion: 'success',
    createdAt: new Date('2025-01-01T10:00:00Z'),
    runStartedAt: new Date('2025-01-01T10:00:00Z'),
    updatedAt: new Date('2025-01-01T10:05:00Z'),
    ...more,
  }
}

/** The job of the document's example. */
export function sampleJob(more: Partial<JobSnapshot> = {}): JobSnapshot {
  return {
    id: 987654321,
    runId: 123456789,
    attempt: 1,
    name: 'build',
    githubStatus: 'completed',
    conclusion: 'success',
    createdAt: new Date('2025-01-01T10:00:00Z'),
    startedAt: new Date('2025-01-01T10:01:00Z'),
    completedAt: new Date('2025-01-01T10:04:00Z'),
    runnerName: 'GitHub Actions 1',
    labels: ['ubuntu-latest'],
    steps: [],
    ...more,
  }
}

export function sampleStep(more: Partial<StepSnapshot> = {}): StepSnapshot {
  return {
    number: 1,
    name: 'Setup Node.js',
    status: 'completed',
    conclusion: 'success',
    started_at: '2025-01-01T10:01:00.000Z',
    completed_at: '2025-01-01T10:02:00.000Z',
    ...more,
  }
}

/** Makes a repository that is watched, polled just now; answers its id. */
export async function watchRepository(
  db: Db,
  fullName: string,
  more: {
    source?: 'configured' | 'detected' | 'read' | 'webhook'
    polledAt?: Date | null
    pollError?: string
    defaultBranch?: string
    completeSince?: Date | null
    lostAt?: Date
  } = {},
): Promise<number> {
  const { id } = await db
    .insertInto('monitored_repositories')
    .values({
      full_name: fullName,
      source: more.source ?? 'configured',
      default_branch: more.defaultBranch ?? 'main',
      polled_at: more.polledAt === undefined ? new Date() : more.polledAt,
      poll_error: more.pollError ?? null,
      complete_since: more.completeSince === undefined ? new Date(0) : more.completeSince,
      lost_at: more.lostAt ?? null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Runs `body` in a transaction as the server would. */
export function inTransaction<T>(db: Db, body: (unit: UnitOfWork) => Promise<T>): Promise<T> {
  return transact({ db, wakeEvents() {}, wakeJobs() {} }, body)
}

/** Everything stored of runs and jobs, to compare. */
export async function dumpMonitor(db: Db): Promise<unknown> {
  const tables = ['workflow_runs', 'workflow_run_attempts', 'newest_workflow_runs', 'workflow_jobs']
  const dump: Record<string, unknown> = {}
  for (const table of tables) {
    const { rows } = await sql`select * from ${sql.table(table)} order by 1, 2, 3`.execute(db)
    dump[table] = rows
  }
  return dump
}
