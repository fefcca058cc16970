import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { callGitHub } from '../../packages/server/src/adapters/github/octokit/call-github.ts'
import { createOctokitRunners } from '../../packages/server/src/adapters/github/octokit/runners.ts'
import { transact } from '../../packages/server/src/db/unit-of-work.ts'
import { readWorkflowDelivery } from '../../packages/server/src/monitor/index.ts'
import type { GitHubRunners } from '../../packages/server/src/ports/github-runners.ts'
import { lockDelegation } from '../../packages/server/src/runners/delegation-rows.ts'
import type { RequestRunnerConfiguration } from '../../packages/server/src/runners/deps.ts'
import { dispatchDelegations } from '../../packages/server/src/runners/dispatch-delegations.ts'
import { endDelegation } from '../../packages/server/src/runners/end-delegation.ts'
import type { QueueDeps } from '../../packages/server/src/runners/github/deps.ts'
import {
  createQueueMemory,
  pollQueue,
} from '../../packages/server/src/runners/github/poll-queue.ts'
import {
  type InventoryMemory,
  reconcileRunners,
} from '../../packages/server/src/runners/github/reconcile-runners.ts'
import { createConfigurationRequest } from '../../packages/server/src/runners/github/request-configuration.ts'
import { retireRunners } from '../../packages/server/src/runners/github/retire-runners.ts'
import { takeWorkflowDeliveries } from '../../packages/server/src/runners/github/take-workflow-deliveries.ts'
import type { RunnerClass } from '../../packages/server/src/runners/runner-class.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { type GitHubStandIn, startGitHubStandIn } from './github/stand-in.ts'
import { quietLog } from './quiet-log.ts'

export const token = 'ghp_a_token_nobody_may_see'
export const repository = 'acme/shop'
const never = new AbortController().signal

export function runnerClass(more: Partial<RunnerClass> = {}): RunnerClass {
  return {
    name: 'small',
    labels: ['linux', 'small'],
    executor: 'docker',
    pods: null,
    image: 'runner:1',
    command: null,
    env: {},
    limits: { memoryBytes: null, cpus: null, pids: null, diskBytes: null, timeoutMs: 60_000 },
    network: 'none',
    maxRunners: 100,
    maxPerRepository: null,
    warm: 0,
    repositories: null,
    mounts: [],
    images: [],
    ...more,
  }
}

export interface DelegationSeen {
  id: string
  github_job_id: number | null
  job_ref: string
  job_name: string | null
  status: string
  reason: string | null
  class: string | null
  source: string
  definition: { run: { runnerName: string } | null }
  queued_at: Date
  [column: string]: unknown
}

/** What keeps GitHub's queue, on a database of its own, and the GitHub that it asks; nobody runs containers. */
export interface QueueWorld {
  readonly database: TestDatabase
  readonly github: GitHubStandIn
  readonly runners: GitHubRunners
  readonly deps: QueueDeps
  readonly request: RequestRunnerConfiguration
  /** Takes a delivery of `workflow_job` as the webhook hands it on; answers why nothing came of it. */
  deliver(payload: object): Promise<string | null>
  /** One round of asking GitHub. */
  poll(): Promise<void>
  /** Asks for configurations as another server would: one that met a limit keeps to it. */
  reconnect(): void
  dispatch(): Promise<void>
  /** Registers the runner of an assigned delegation, as its worker does; answers its name. */
  register(id: string): Promise<string>
  /** Its container runs. */
  run(id: string): Promise<void>
  /** Its container has ended. */
  end(id: string, status: 'completed' | 'failed'): Promise<void>
  /** Oldest first. */
  delegations(): Promise<DelegationSeen[]>
  /** As if it were so much later. */
  passTime(minutes: number): Promise<void>
  /** Removes what is here. */
  empty(): Promise<void>
  close(): Promise<void>
}

export async function createQueueWorld(
  classes: readonly RunnerClass[] = [runnerClass()],
): Promise<QueueWorld> {
  const database = await createTestDatabase()
  const github = await startGitHubStandIn({ token })
  github.actions.addRepository(repository)
  const { db } = database
  const connect = () =>
    callGitHub({
      apiUrl: github.url,
      credential: { kind: 'token', token },
      version: '1.2.3',
      timeoutMs: 2_000,
    })
  const calls = connect()
  const runners = createOctokitRunners(calls)
  const deps: QueueDeps = {
    db,
    wakeEvents() {},
    wakeJobs() {},
    log: quietLog,
    holder: randomUUID(),
    classes,
    wakeDispatch() {},
    stopJobs() {},
    runners,
    budget: calls.budget,
    listRepositories: async () => [],
    pollMs: 100,
  }
  const deliveries = takeWorkflowDeliveries(deps, null)
  let request = createConfigurationRequest(deps)
  let memory = createQueueMemory()
  let inventory: InventoryMemory | null = null
  const row = async (id: string) => {
    const { rows } = await database.pool.query<DelegationSeen>(
      'select * from delegations where id = $1',
      [id],
    )
    return rows[0]!
  }
  return {
    database,
    github,
    runners,
    deps,
    request: (input, signal) => request(input, signal),
    deliver(payload) {
      const wanted = readWorkflowDelivery('workflow_job', payload as Record<string, unknown>)
      if (typeof wanted === 'string') throw new Error(wanted)
      return transact(deps, (unit) => deliveries.take(unit, [{ wanted, receivedAt: new Date() }]))
    },
    async poll() {
      await pollQueue(deps, { repository, memory }, never)
      await retireRunners(deps, repository, never)
      inventory = await reconcileRunners(deps, { repository, memory: inventory }, never)
    },
    reconnect() {
      request = createConfigurationRequest({ ...deps, runners: createOctokitRunners(connect()) })
    },
    dispatch: async () => void (await dispatchDelegations(deps, never)),
    async register(id) {
      const { runnerName: name } = (await row(id)).definition.run!
      const input = { delegationId: id, repository, name, labels: classes[0]!.labels }
      const { githubId } = await request(input, never)
      await sql`update runners set github_id = ${githubId} where delegation_id = ${id}`.execute(db)
      return name
    },
    async run(id) {
      await sql`update delegations set status = 'running', started_at = now(), container_id = 'c'
                where id = ${id} and status = 'assigned'`.execute(db)
    },
    async end(id, status) {
      await transact(deps, async (unit) => {
        const locked = await lockDelegation(unit.trx, { delegation: id })
        await endDelegation(deps, unit, locked!, { status, reason: null })
      })
    },
    async delegations() {
      const { rows } = await database.pool.query<DelegationSeen>(
        'select * from delegations order by created_at, id',
      )
      return rows
    },
    async passTime(minutes) {
      const ago = sql`make_interval(mins => ${minutes}::int)`
      await sql`
        update delegations set completed_at = completed_at - ${ago}, started_at = started_at - ${ago},
          assigned_at = assigned_at - ${ago}`.execute(db)
      await sql`update queue_jobs set updated_at = updated_at - ${ago}`.execute(db)
      await sql`update runner_problems set until = until - ${ago}`.execute(db)
    },
    async empty() {
      await sql`truncate delegations, delegation_counts, runners, queue_jobs, runner_problems, jobs,
                events cascade`.execute(db)
      memory = createQueueMemory()
      inventory = null
    },
    async close() {
      await github.close()
      await database.close()
      expect(github.violations).toEqual([])
    },
  }
}

/** What GitHub delivers of a job. */
export function jobEvent(
  action: 'queued' | 'waiting' | 'in_progress' | 'completed',
  job: { id: number } & Record<string, unknown>,
): object {
  const ended = action === 'completed'
  return {
    action,
    workflow_job: {
      run_id: job.id + 1_000,
      run_attempt: 1,
      name: 'build',
      workflow_name: 'CI',
      head_sha: 'a'.repeat(40),
      head_branch: 'main',
      status: action,
      conclusion: ended ? 'success' : null,
      created_at: '2026-01-02T10:00:00Z',
      started_at: '2026-01-02T10:00:00Z',
      completed_at: ended ? '2026-01-02T10:04:00Z' : null,
      runner_name: null,
      labels: ['self-hosted', 'small'],
      steps: [],
      ...job,
    },
    repository: { id: 77, full_name: repository, default_branch: 'main' },
    sender: { login: 'alice' },
  }
}
