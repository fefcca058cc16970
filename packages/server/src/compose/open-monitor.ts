import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import {
  createMemos,
  type MonitorDeps,
  type MonitorObserver,
  openIngest,
  type WorkflowDeliveries,
  type WorkflowDispatcher,
} from '../monitor/index.ts'
import type { GitHubActions } from '../ports/github-actions.ts'
import type { Resources } from '../resources.ts'

/** What `/api/v2/pipelines` stands on; `start` begins to ask GitHub without being asked. */
export function openMonitor(
  config: Config,
  log: Logger,
  opened: {
    unitOfWork: UnitOfWorkDeps
    /** Id of this process's worker. */
    holder: string
    /** Null: GitHub cannot be asked. */
    actions: GitHubActions | null
    observe: MonitorObserver
  },
  resources: Resources,
): {
  monitor: MonitorDeps
  dispatcher: WorkflowDispatcher | null
  workflows: WorkflowDeliveries | null
  start(): void
} {
  const { unitOfWork, holder, actions, observe } = opened
  const { db, wakeEvents, wakeJobs } = unitOfWork
  const { monitored: configured, pollMs } = config.status
  const ingest = openIngest({
    db,
    wakeEvents,
    wakeJobs,
    log,
    holder,
    actions,
    configured,
    pollMs,
    rescanMs: 86_400_000,
    observe,
  })
  log.info(
    {
      polls: actions === null ? 'off: neither GITHUB_TOKEN nor a GitHub App is set' : 'on',
      repositories: configured ?? 'every one with a workflow',
    },
    'GitHub Actions',
  )
  return {
    monitor: { db, memos: createMemos(), source: ingest.source },
    dispatcher: ingest.dispatcher,
    workflows: ingest.deliveries,
    start() {
      resources.add('github actions', ingest.start(), (started) => started.close())
    },
  }
}
