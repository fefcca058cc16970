import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DelegatedJob, DelegatedJobResponse } from '@slipway/contract/delegations'
import { pino } from 'pino'
import { expect, vi } from 'vitest'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { createEventFeed, startEventRelay } from '../../packages/server/src/events/index.ts'
import type { HttpServerDeps } from '../../packages/server/src/http/app.ts'
import {
  claimJobs,
  type JobClaim,
  type LedgerDeps,
  registerWorker,
  releaseJobs,
} from '../../packages/server/src/jobs/index.ts'
import { createFileLogStore } from '../../packages/server/src/logs/index.ts'
import {
  createDelegationControl,
  type DelegationAttempt,
  type DelegationControl,
  delegationJobOwners,
  type DelegationResult,
  type RunnerClass,
  type RunnersDeps,
  startDispatch,
} from '../../packages/server/src/runners/index.ts'
import { createTestApp, type TestApp } from './http.ts'
import { quietLog } from './quiet-log.ts'

/** The application with the room of runners, and a worker that does what the test says instead of starting containers. */
export interface RunnersApp extends TestApp {
  readonly runners: RunnersDeps
  readonly control: DelegationControl
  readonly ledger: LedgerDeps
  /** Jobs whose holders were told to stop. */
  readonly stopped: string[]
  /** Containers that were stopped for their proxies. */
  readonly stoppedContainers: string[]
  /** Of a service account. */
  readonly serviceToken: string
  /** Begins to dispatch, as a server does when it starts. */
  start(): void
  /** As if the server had ended: nothing is dispatched any more. */
  halt(): Promise<void>
  /** Delegates the document's job, of a run of its own; answers its id. */
  delegate(body?: Record<string, unknown>, token?: string): Promise<string>
  show(id: string): Promise<DelegatedJob>
  report(id: string, body: object): ReturnType<TestApp['request']>
  /** Takes the next job that waits for a worker; rejects when there is none for ten seconds. `home`: of another machine. */
  take(home?: string): Promise<TakenJob>
  /** How many jobs workers could take now. */
  waiting(): Promise<number>
  /** What was told of a job, oldest first: its statuses. */
  told(id: string): Promise<string[]>
}

/** A job in the hands of the stand-in worker. */
export interface TakenJob {
  readonly delegationId: string
  readonly claim: JobClaim
  begin(): Promise<DelegationAttempt>
  run(containerId?: string): Promise<void>
  complete(result?: Partial<DelegationResult>): Promise<void>
  /** The worker dies. */
  lose(): Promise<void>
}

/** The document's own request. */
export const documentedJob = {
  jobId: '123456',
  runId: '789012',
  repository: 'owner/repo',
  workflow: 'CI/CD Pipeline',
  runnerName: 'proxy-runner-1',
  sha: 'abc123def456',
  ref: 'refs/heads/main',
  eventName: 'push',
  actor: 'username',
  labels: ['self-hosted', 'ubuntu-latest', 'docker'],
} as const

export function runnerClass(over: Partial<RunnerClass> = {}): RunnerClass {
  return {
    name: 'ubuntu',
    labels: ['ubuntu-latest', 'docker'],
    executor: 'docker',
    pods: null,
    image: 'runner:1',
    command: ['/bin/work'],
    env: {},
    limits: { memoryBytes: null, cpus: null, pids: 100, diskBytes: null, timeoutMs: 60_000 },
    network: 'none',
    maxRunners: 100,
    maxPerRepository: null,
    warm: 0,
    repositories: null,
    mounts: [],
    images: [],
    ...over,
  }
}

const log = pino({ level: 'silent' })
let runs = 0

export async function createRunnersApp(
  over: Partial<RunnersDeps> = {},
  server: Partial<HttpServerDeps> = {},
): Promise<RunnersApp> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-runners-'))
  const runners = {} as RunnersDeps
  const test = await createTestApp({
    runnerRateLimit: { max: 1_000_000, windowMs: 60_000 },
    ...server,
    runners: { runners, signal: new AbortController().signal },
  })
  const { db, pool } = test.database
  const objects = createFilesystemObjectStore({ root: join(root, 'objects'), log })
  const logs = createFileLogStore({ directory: join(root, 'logs'), objects, log })
  const feed = createEventFeed({ db, log: quietLog })
  const relay = startEventRelay({ pool, log: quietLog, publish: (batch) => feed.publish(batch) })
  const stopped: string[] = []
  const stoppedContainers: string[] = []
  let dispatch: ReturnType<typeof startDispatch> | null = null
  Object.assign(runners, {
    db,
    log: quietLog,
    wakeEvents: () => relay.wake(),
    wakeJobs: () => {},
    stopJobs: (ids: readonly string[]) => void stopped.push(...ids),
    feed,
    logs,
    classes: [runnerClass()],
    owner: 'here',
    wakeDispatch: () => dispatch?.wake(),
    requestRunnerConfiguration: null,
    stopContainer: async (id: string) => void stoppedContainers.push(id),
    removeGithubRunner: null,
    ...over,
  } satisfies RunnersDeps)
  const control = createDelegationControl(runners)
  const ledger: LedgerDeps = { ...runners, owners: delegationJobOwners(), retryDelayMs: () => 0 }
  const workerId = randomUUID()
  await registerWorker(
    { db },
    { id: workerId, name: 'w', home: 'here', types: ['delegation'], capacity: 9 },
  )
  const serviceToken = await test.tokenFor(['service-account'])

  /** One more worker for each other machine. */
  const elsewhere = new Map<string, string>()
  async function workerOf(home: string | undefined): Promise<string> {
    if (home === undefined) return workerId
    const id = elsewhere.get(home) ?? randomUUID()
    elsewhere.set(home, id)
    await registerWorker({ db }, { id, name: home, home, types: ['delegation'], capacity: 9 })
    return id
  }

  function hold(delegationId: string, claim: JobClaim): TakenJob {
    return {
      delegationId,
      claim,
      begin: () => control.beginDelegation({ delegationId, claim }),
      run: (containerId = `container-of-${delegationId}`) =>
        control.reportDelegationRunning({ delegationId, claim, containerId }),
      complete: (result = {}) =>
        control.completeDelegation({
          delegationId,
          claim,
          result: { status: 'completed', exitCode: 0, reason: null, ...result },
        }),
      async lose() {
        const { id, attempt, workerId } = claim
        await releaseJobs(ledger, { workerId, only: [{ id, attempt }], error: 'Its worker ended.' })
      },
    }
  }

  return {
    ...test,
    runners,
    control,
    ledger,
    stopped,
    stoppedContainers,
    serviceToken,
    start() {
      dispatch = startDispatch({ ...runners, holder: randomUUID() })
    },
    async halt() {
      await dispatch?.close()
      dispatch = null
    },
    async delegate(body = {}, token) {
      const runId = String(++runs)
      const answer = await test.request('POST', '/api/jobs/delegate', {
        body: { ...documentedJob, runId, ...body },
        ...(token === undefined ? {} : { token }),
      })
      expect(answer.statusCode, answer.body).toBe(201)
      return answer.json<{ data: { delegationId: string } }>().data.delegationId
    },
    async show(id) {
      const answer = await test.request('GET', `/api/jobs/${id}`)
      expect(answer.statusCode, answer.body).toBe(200)
      return answer.json<DelegatedJobResponse>().data
    },
    report: (id, body) =>
      test.request('PATCH', `/api/jobs/${id}/status`, { body, token: serviceToken }),
    async take(home) {
      const whose = await workerOf(home)
      return vi.waitFor(
        async () => {
          const claim = { workerId: whose, types: ['delegation'], limit: 1 }
          const [job] = await claimJobs({ db }, claim)
          if (job === undefined) throw new Error('no job waits')
          const { delegation_id: id } = job.payload as { delegation_id: string }
          return hold(id, { id: job.id, attempt: job.attempt, workerId: whose })
        },
        { timeout: 10_000, interval: 10 },
      )
    },
    async waiting() {
      const { rows } = await pool.query<{ count: number }>(
        `select count(*)::integer as count from jobs where type = 'delegation' and state = 'queued'`,
      )
      return rows[0]?.count ?? 0
    },
    async told(id) {
      const { rows } = await pool.query<{ status: string }>(
        `select data->>'status' as status from events where data->>'delegation_id' = $1 order by id`,
        [id],
      )
      return rows.map(({ status }) => status)
    },
    async close() {
      await dispatch?.close()
      await relay.close()
      await feed.close()
      await logs.close()
      await objects.close()
      await test.close()
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
