import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { startHandling } from '../../../packages/server/src/github/handle-deliveries.ts'
import { startHandlingWorkflows } from '../../../packages/server/src/github/handle-workflow-deliveries.ts'
import {
  createDeliveryWriter,
  type GithubDeps,
  matchRepositories,
} from '../../../packages/server/src/github/index.ts'
import {
  type IngestDeps,
  openIngest,
  workflowEvents,
} from '../../../packages/server/src/monitor/index.ts'
import { createTestApp, type TestApp } from '../http.ts'
import { quietLog } from '../quiet-log.ts'
import type { SignedDelivery } from './deliver.ts'

export const secret = 'a secret that GitHub knows'

/** The application with GitHub's webhook, and what acts on deliveries; runs have no worker. */
export interface GithubApp extends TestApp {
  deliver(delivery: SignedDelivery, path?: string): ReturnType<TestApp['request']>
  /** Waits until every delivery has been acted on. */
  settled(): Promise<void>
}

export async function createGithubApp(
  more: Partial<GithubDeps> = {},
  watching: Partial<Pick<IngestDeps, 'actions' | 'configured'>> = {},
): Promise<GithubApp> {
  let handling: ReturnType<typeof startHandling> | undefined
  let storing: ReturnType<typeof startHandlingWorkflows> | undefined
  const test = await createTestApp({}, (db) => {
    const common = { log: quietLog, holder: randomUUID() }
    const { deliveries } = openIngest({
      ...common,
      db,
      wakeEvents() {},
      wakeJobs() {},
      actions: null,
      configured: null,
      pollMs: 60_000,
      rescanMs: 86_400_000,
      observe: { poll() {}, lag() {} },
      ...watching,
    })
    const github: GithubDeps & { tagWaitsMs: number } = {
      db,
      wakeEvents: () => {},
      wakeJobs: () => {},
      webhookSecret: secret,
      storeDelivery: createDeliveryWriter({ db }),
      wants: matchRepositories(['*']),
      github: null,
      workflows: deliveries,
      wakeDeliveries: (event) => (workflowEvents.includes(event) ? storing : handling)?.wake(),
      wakeReports: () => {},
      tagWaitsMs: 0,
      ...more,
    }
    handling = startHandling({ ...github, ...common })
    const { workflows } = github
    if (workflows !== null) {
      storing = startHandlingWorkflows({ ...github, ...common, workflows })
    }
    return { github, runs: { ...github, stopJobs: () => {} } }
  })
  return {
    ...test,
    deliver: ({ headers, body }, path = '/v1/webhooks/github') =>
      test.request('POST', path, { body, headers, token: null }),
    async settled() {
      const { pool } = test.database
      const waiting = async () => {
        const { rows } = await pool.query(
          `select 1 from github_deliveries where status = 'pending'`,
        )
        return rows.length
      }
      await expect.poll(waiting, { timeout: 20_000 }).toBe(0)
    },
    async close() {
      await Promise.all([handling?.close(), storing?.close()])
      await test.close()
    },
  }
}
