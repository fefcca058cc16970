import { randomUUID } from 'node:crypto'
import type { ClaimJobsResponse } from '@slipway/contract/worker-api'
import type { LightMyRequestResponse } from 'fastify'
import { transact } from '../../packages/server/src/db/unit-of-work.ts'
import type { WorkerArtifactRoutesDeps } from '../../packages/server/src/http/platform/routes/worker-artifacts.ts'
import type { WorkerBuildRoutesDeps } from '../../packages/server/src/http/platform/routes/worker-builds.ts'
import type { WorkerDelegationRoutesDeps } from '../../packages/server/src/http/platform/routes/worker-delegations.ts'
import type { WorkerRunRoutesDeps } from '../../packages/server/src/http/platform/routes/worker-runs.ts'
import {
  createWorkerSignals,
  type JobOwners,
  openWorkLedger,
  type WorkerSignals,
} from '../../packages/server/src/jobs/index.ts'
import { newJob } from '../ports/job-bus-tools.ts'
import { createTestApp, type TestApp } from './http.ts'

/** Of the server in these tests. */
export const serverVersion = '1.2.3'

/** The API of workers on a ledger of its own, without the rooms that its jobs are about. */
export interface WorkersApp extends TestApp {
  signals: WorkerSignals
  /** Jobs that the ledger has told to stop or to begin. */
  woken: string[]
  /** Queues jobs, and answers their ids. */
  queue(...jobs: Parameters<typeof newJob>[0][]): Promise<string[]>
  /** Registers a worker, and answers its id. */
  register(token: string, more?: object): Promise<string>
  /** As the worker of `token`; `path` is below `/v1/workers/{id}`. */
  as(
    worker: { id: string; token: string },
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD',
    path: string,
    body?: unknown,
  ): Promise<LightMyRequestResponse>
  /** Claims jobs for a worker. */
  claim(worker: { id: string; token: string }, more?: object): Promise<ClaimJobsResponse['jobs']>
  /** State, attempts and result of a job. */
  job(
    id: string,
  ): Promise<{ state: string; attempt: number; result: unknown; error: string | null }>
}

export function identity(more: object = {}) {
  return {
    id: randomUUID(),
    name: 'machine',
    home: randomUUID(),
    types: ['task', 'build'],
    capacity: 4,
    version: '1.2.9',
    ...more,
  }
}

export async function createWorkersApp(
  owners: JobOwners = {},
  options: { retryDelayMs?: number } = {},
): Promise<WorkersApp> {
  const signals = createWorkerSignals()
  const woken: string[] = []
  const test = await createTestApp({}, (db) => {
    const ledger = {
      db,
      owners,
      serverVersion,
      wakeEvents: () => {},
      wakeJobs: (jobs: readonly { id: string; type: string }[]) => {
        woken.push(...jobs.map(({ id }) => id))
        signals.queued([...new Set(jobs.map(({ type }) => type))])
      },
      retryDelayMs: () => options.retryDelayMs ?? 60_000,
    }
    return {
      workerLedger: ledger,
      workLedger: openWorkLedger(ledger),
      workerSignals: signals,
      // Nothing of the rooms is reached by who does not hold a job.
      workerRuns: {} as WorkerRunRoutesDeps['workerRuns'],
      workerBuilds: {} as WorkerBuildRoutesDeps['workerBuilds'],
      workerDelegations: {} as WorkerDelegationRoutesDeps['workerDelegations'],
      workerArtifacts: { registries: { home: {} } } as WorkerArtifactRoutesDeps['workerArtifacts'],
      workerSettings: () => ({
        server_version: serverVersion,
        artifact_limit_bytes: 1,
        builder: 'urn:test',
        publishers: [],
        registry: 'registry.test',
        signing_key: null,
        plain_http_registries: [],
        build_timeouts_ms: {},
      }),
    }
  })
  const { db } = test.database
  const as: WorkersApp['as'] = ({ id, token }, method, path, body) =>
    test.request(method, `/v1/workers/${id}${path}`, {
      token,
      ...(body === undefined ? {} : { body }),
    })
  return {
    ...test,
    signals,
    woken,
    as,
    async queue(...jobs) {
      const made = jobs.map((job) => newJob(job))
      const deps = { db, wakeEvents: () => {}, wakeJobs: () => {} }
      await transact(deps, async (unit) => {
        for (const job of made) unit.enqueue(job)
      })
      return made.map(({ id }) => id)
    },
    async register(token, more = {}) {
      const body = identity(more)
      const answer = await test.request('POST', '/v1/workers', { token, body })
      if (answer.statusCode !== 201) throw new Error(answer.body)
      return body.id
    },
    async claim(worker, more = {}) {
      const body = { types: ['task', 'build'], limit: 10, ...more }
      const answer = await as(worker, 'POST', '/claims', body)
      if (answer.statusCode !== 200) throw new Error(answer.body)
      return answer.json<ClaimJobsResponse>().jobs
    },
    async job(id) {
      const { rows } = await test.database.pool.query<Awaited<ReturnType<WorkersApp['job']>>>(
        'select state, attempt, result, error from jobs where id = $1',
        [id],
      )
      const [row] = rows
      if (row === undefined) throw new Error(`no job ${id}`)
      return row
    },
  }
}
