import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { createOctokitActions } from '../../packages/server/src/adapters/github/octokit/actions.ts'
import { callGitHub } from '../../packages/server/src/adapters/github/octokit/call-github.ts'
import {
  type Ingest,
  type IngestDeps,
  openIngest,
  type RunningIngest,
} from '../../packages/server/src/monitor/index.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import type { StandInJob } from './github/actions-state.ts'
import { type GitHubStandIn, startGitHubStandIn } from './github/stand-in.ts'
import { quietLog } from './quiet-log.ts'

export const token = 'ghp_a_token_nobody_may_see'

/** What fills the store, on a database of its own, and the GitHub that it asks. */
export interface IngestWorld {
  readonly database: TestDatabase
  readonly github: GitHubStandIn
  /** Opens what fills the store, and starts it; a second one is another server. */
  open(more?: Partial<IngestDeps>): Ingest & { running: RunningIngest }
  /** Ends all that was opened. */
  stop(): Promise<void>
  /** A row, by the repository's name. */
  repository(name: string): Promise<MonitoredRow | undefined>
  runs(name: string): Promise<RunRow[]>
  /** Types of the events that were written, in order. */
  events(): Promise<string[]>
  /** Waits until a repository has been polled with success since now. */
  polled(name: string): Promise<void>
  close(): Promise<void>
}

interface MonitoredRow {
  id: number
  full_name: string
  github_id: number | null
  source: string
  lost_at: Date | null
  polled_at: Date | null
  poll_error: string | null
  complete_since: Date | null
}

interface RunRow {
  id: number
  attempt: number
  status: string
  conclusion: string | null
  jobs_complete: boolean
  artifacts: { name: string }[] | null
  jobs: { name: string; attempt: number; steps: string[] }[]
}

export async function createIngestWorld(): Promise<IngestWorld> {
  const database = await createTestDatabase()
  const github = await startGitHubStandIn({ token })
  const { pool } = database
  let opened: RunningIngest[] = []
  const world: IngestWorld = {
    database,
    github,
    open(more = {}) {
      const ingest = openIngest({
        db: database.db,
        wakeEvents() {},
        wakeJobs() {},
        log: quietLog,
        holder: randomUUID(),
        actions: createOctokitActions(
          callGitHub({
            apiUrl: github.url,
            credential: { kind: 'token', token },
            version: '1.2.3',
            timeoutMs: 2_000,
          }),
        ),
        configured: null,
        pollMs: 300,
        rescanMs: 86_400_000,
        observe: { poll() {}, lag() {} },
        ...more,
      })
      const running = ingest.start()
      opened.push(running)
      return { ...ingest, running }
    },
    async stop() {
      await Promise.all(opened.map((one) => one.close()))
      opened = []
    },
    async repository(name) {
      const { rows } = await pool.query<MonitoredRow>(
        'select * from monitored_repositories where full_name = $1',
        [name],
      )
      return rows[0]
    },
    async runs(name) {
      const { rows } = await pool.query<RunRow>(
        `select r.id, r.attempt, r.status, r.conclusion, r.jobs_complete, r.artifacts,
                coalesce((select json_agg(json_build_object('name', j.name, 'attempt', j.attempt,
                  'steps', (select coalesce(json_agg((s->>'name') || ' ' || (s->>'status')), '[]')
                            from jsonb_array_elements(j.steps) s)) order by j.attempt, j.id)
                  from workflow_jobs j where j.run_id = r.id), '[]') as jobs
         from workflow_runs r join monitored_repositories m on m.id = r.repository_id
         where m.full_name = $1 order by r.created_at desc, r.id desc`,
        [name],
      )
      return rows
    },
    async events() {
      const { rows } = await pool.query<{ type: string }>(
        'select event_type as type from events order by seq',
      )
      return rows.map(({ type }) => type)
    },
    async polled(name) {
      const now = Date.now()
      const at = async () => (await world.repository(name))?.polled_at?.getTime() ?? 0
      await expect.poll(at, { timeout: 15_000 }).toBeGreaterThan(now)
    },
    async close() {
      await world.stop()
      await github.close()
      await database.close()
      expect(github.violations).toEqual([])
    },
  }
  return world
}

/** A job that has ended, or is at its second step. */
export function jobOf(id: number, more: Partial<StandInJob> = {}): StandInJob {
  const isEnded = more.status === undefined || more.status === 'completed'
  const at = new Date().toISOString()
  const step = (number: number, name: string, status: string) => ({
    number,
    name,
    status,
    conclusion: status === 'completed' ? 'success' : null,
    started_at: status === 'queued' ? null : at,
    completed_at: status === 'completed' ? at : null,
  })
  return {
    id,
    name: 'build',
    status: 'completed',
    conclusion: isEnded ? 'success' : null,
    created_at: at,
    started_at: at,
    completed_at: isEnded ? at : null,
    steps: [step(1, 'Set up', 'completed'), step(2, 'Test', isEnded ? 'completed' : 'in_progress')],
    ...more,
  }
}

/** ISO text of a moment before now. */
export function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString()
}
