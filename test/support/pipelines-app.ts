import type { HttpServerDeps } from '../../packages/server/src/http/app.ts'
import {
  createMemos,
  type MonitorSource,
  storeJobs,
  storeRuns,
  type WorkflowDispatcher,
} from '../../packages/server/src/monitor/index.ts'
import type { JobSnapshot, RunSnapshot } from '../../packages/server/src/ports/github-actions.ts'
import { createTestApp, type TestApp } from './http.ts'
import { inTransaction } from './monitor.ts'

/** The family `/api/v2/pipelines` over HTTP, without GitHub: what would be asked of it is given by the test. */
export interface PipelinesApp extends TestApp {
  storeRuns(repositoryId: number, runs: readonly RunSnapshot[]): Promise<void>
  storeJobs(repositoryId: number, jobs: readonly JobSnapshot[]): Promise<void>
}

export async function createPipelinesApp(
  options: {
    source?: Partial<MonitorSource>
    dispatcher?: WorkflowDispatcher | null
    overrides?: Partial<HttpServerDeps>
  } = {},
): Promise<PipelinesApp> {
  const test = await createTestApp((db) => ({
    status: {
      monitor: {
        db,
        memos: createMemos(),
        source: {
          ensureRepository: async () => 'missing',
          isAway: () => false,
          ...options.source,
        },
      },
      dispatcher: options.dispatcher ?? null,
      signal: new AbortController().signal,
    },
    ...options.overrides,
  }))
  const { db } = test.database
  return {
    ...test,
    async storeRuns(repositoryId, runs) {
      await inTransaction(db, (unit) => storeRuns(unit, { repositoryId, runs }))
    },
    async storeJobs(repositoryId, jobs) {
      await inTransaction(db, (unit) => storeJobs(unit, { repositoryId, jobs }))
    },
  }
}
