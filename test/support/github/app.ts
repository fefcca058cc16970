import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { startHandling } from '../../../packages/server/src/github/handle-deliveries.ts'
import { type GithubDeps, matchRepositories } from '../../../packages/server/src/github/index.ts'
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

export async function createGithubApp(more: Partial<GithubDeps> = {}): Promise<GithubApp> {
  let handling: ReturnType<typeof startHandling> | undefined
  const test = await createTestApp({}, (db) => {
    const github: GithubDeps & { tagWaitsMs: number } = {
      db,
      wakeEvents: () => {},
      wakeJobs: () => {},
      webhookSecret: secret,
      wants: matchRepositories(['*']),
      github: null,
      workflows: null,
      wakeDeliveries: () => handling?.wake(),
      wakeReports: () => {},
      tagWaitsMs: 0,
      ...more,
    }
    handling = startHandling({ ...github, log: quietLog, holder: randomUUID() })
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
      await handling?.close()
      await test.close()
    },
  }
}
