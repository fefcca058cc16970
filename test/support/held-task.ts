import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Tables } from '../../packages/server/src/db/tables.gen.ts'
import { openWorkerApi } from '../../packages/server/src/remote/http/open-worker-api.ts'
import { stepLogKey } from '../../packages/server/src/runs/step-log-key.ts'
import type { TestServer } from './server.ts'

/** A worker on another machine, as far as the API goes. */
export interface RegisteredWorker {
  id: string
  /** Of the service account that registered it. */
  token: string
  api: ReturnType<typeof openWorkerApi>
  request(method: string, path: string, body?: Buffer): Promise<Response>
}

/** A token that may work. */
export async function createWorkerToken(server: TestServer): Promise<string> {
  const body = { name: `worker-${randomUUID()}`, roles: ['worker'] }
  return (await server.json<{ token: string }>('POST', '/v1/tokens', { body })).token
}

export async function registerTestWorker(
  server: TestServer,
  options: { token?: string; id?: string; home?: string; url?: string } = {},
): Promise<RegisteredWorker> {
  const token = options.token ?? (await createWorkerToken(server))
  const { id = randomUUID(), home = randomUUID() } = options
  const { version } = await versionOf(server)
  const body = { id, name: 'elsewhere', home, types: ['task'], capacity: 4, version }
  const response = await server.request('POST', '/v1/workers', { body, token })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  await response.body?.cancel()
  const api = openWorkerApi({
    url: options.url ?? server.url,
    token: { current: () => token },
    version,
  })
  return {
    id,
    token,
    api,
    request: (method, path, sent) =>
      fetch(new URL(`/v1/workers/${id}${path}`, server.url), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(sent === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        },
        ...(sent === undefined ? {} : { body: sent }),
      }),
  }
}

async function versionOf(server: TestServer): Promise<{ version: string }> {
  const document = await server.json<{ info: { version: string } }>('GET', '/openapi.json')
  return document.info
}

/** A task in the hands of a worker. */
export interface HeldTask {
  runId: string
  jobId: string
  stepId: string
  /** Of its one step's log. */
  key: string
}

/** Puts a running run with one task into the database, whose job the worker holds. */
export async function holdTask(
  db: Kysely<Tables>,
  workerId: string,
  step = 'compile',
): Promise<HeldTask> {
  const ids = { run: randomUUID(), phase: randomUUID(), task: randomUUID(), job: randomUUID() }
  const stepId = randomUUID()
  const now = new Date()
  const commit = randomUUID().replaceAll('-', '').padEnd(40, '0')
  const key = stepLogKey({ runId: ids.run, phase: 'build', project: 'app', step })
  const ordinal = Math.floor(Math.random() * 1e12)
  const run = { id: ids.run, repository: 'acme/held', branch: 'main', commit_sha: commit }
  await db
    .insertInto('runs')
    .values({
      ...run,
      status: 'running',
      trigger_type: 'manual',
      triggered_by: 'alice',
      repository_ordinal: ordinal,
      branch_ordinal: ordinal,
      started_at: now,
    })
    .execute()
  await db
    .insertInto('phases')
    .values({
      id: ids.phase,
      run_id: ids.run,
      position: 0,
      name: 'build',
      group_number: 1,
      timeout_ms: 600_000,
      status: 'running',
    })
    .execute()
  const task = { run_id: ids.run, task_id: ids.task, project: 'app', phase: 'build' }
  await db
    .insertInto('jobs')
    .values({
      id: ids.job,
      type: 'task',
      subject: `pipeline.tasks.${ids.run}.${ids.task}`,
      run_id: ids.run,
      payload: JSON.stringify(task),
      state: 'running',
      attempt: 1,
      timeout_ms: 600_000,
      deadline_at: new Date(now.getTime() + 600_000),
      worker_id: workerId,
      started_at: now,
    })
    .execute()
  await db
    .insertInto('tasks')
    .values({
      id: ids.task,
      run_id: ids.run,
      phase_id: ids.phase,
      position: 0,
      project_name: 'app',
      project_path: '.',
      status: 'running',
      job_id: ids.job,
      attempt: 1,
    })
    .execute()
  await db
    .insertInto('steps')
    .values({
      id: stepId,
      run_id: ids.run,
      task_id: ids.task,
      attempt: 1,
      position: 0,
      name: step,
      definition: JSON.stringify({}),
      status: 'running',
      log_key: key,
    })
    .execute()
  return { runId: ids.run, jobId: ids.job, stepId, key }
}
