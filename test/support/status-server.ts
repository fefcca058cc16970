import { listenSignals } from '../../packages/server/src/db/listen-signals.ts'
import { transact } from '../../packages/server/src/db/unit-of-work.ts'
import { startEventRelay } from '../../packages/server/src/events/index.ts'
import {
  announceChanges,
  type JobSnapshot,
  type RunSnapshot,
  storeJobs,
  storeRuns,
} from '../../packages/server/src/monitor/index.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { quietLog } from './quiet-log.ts'
import { startTestServer, type TestServer } from './server.ts'

/** A server process, and beside it, on the same database, another one that hears of GitHub: the test. */
export interface StatusServer extends TestServer {
  readonly database: TestDatabase
  /** Makes a token with these roles, and answers its secret and id. */
  tokenFor(more: {
    roles: readonly string[]
    repositories?: readonly string[]
  }): Promise<{ token: string; id: string }>
  /** Stores what GitHub said, and announces it. */
  hear(
    repositoryId: number,
    told: { runs?: readonly RunSnapshot[]; jobs?: readonly JobSnapshot[] },
  ): Promise<void>
}

export async function startStatusServer(env: Record<string, string> = {}): Promise<StatusServer> {
  const database = await createTestDatabase()
  const { db, pool } = database
  const signals = await listenSignals({ url: database.url, pool, log: quietLog })
  const relay = startEventRelay({ pool, signals, publish() {}, log: quietLog })
  const release = async () => {
    await relay.close()
    await signals.close()
    await database.close()
  }
  const server = await startTestServer({ DATABASE_URL: database.url, ...env }).catch(
    async (error: unknown) => {
      await release()
      throw error
    },
  )
  const { close } = server
  let names = 0
  return Object.assign(server, {
    database,
    tokenFor: (more: object) =>
      server.json<{ token: string; id: string }>('POST', '/v1/tokens', {
        body: { name: `token ${++names}`, ...more },
      }),
    async hear(
      repositoryId: number,
      told: { runs?: readonly RunSnapshot[]; jobs?: readonly JobSnapshot[] },
    ) {
      await transact({ db, wakeEvents: () => relay.wake(), wakeJobs() {} }, async (unit) => {
        const runs = await storeRuns(unit, { repositoryId, runs: told.runs ?? [] })
        const jobs = await storeJobs(unit, { repositoryId, jobs: told.jobs ?? [] })
        await announceChanges(unit, { repositoryId, runs, jobs })
      })
    },
    async close() {
      await close()
      await release()
    },
  })
}
