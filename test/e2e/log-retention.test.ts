// Logs are kept by the highest environment that a release of their run was deployed to.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { deleteOldLogs, startRun } from '../../packages/server/src/runs/index.ts'
import type { EventFeed } from '../../packages/server/src/events/index.ts'
import { createTestApp, type TestApp } from '../support/http.ts'
import { forgeEnvironment } from '../support/stored-release.ts'

let app: TestApp
const principal = { id: 'a', name: 'a', roles: ['admin'], repositories: null } as const
const dayMs = 86_400_000
const now = new Date('2026-06-01T00:00:00Z')

beforeAll(async () => {
  const feed = { lastSeq: async () => 0 } as EventFeed
  app = await createTestApp({}, () => ({ feed }))
})
afterAll(() => app.close())

const depsOf = () => ({ db: app.database.db, wakeEvents() {}, wakeJobs() {}, stopJobs() {} })

/** A run that ended so many days ago, with releases deployed to these environments. */
async function endedRun(
  days: number,
  environments: readonly string[],
  asked: object[] = [],
): Promise<string> {
  const { db } = app.database
  const repository = `acme/${randomUUID().slice(0, 8)}`
  const commit_sha = randomUUID().replaceAll('-', '').padEnd(40, '0')
  const request = { repository, branch: 'main', commit_sha, trigger_type: 'push' } as const
  const { id } = await startRun(depsOf(), { principal, request })
  const completed_at = new Date(now.getTime() - days * dayMs)
  await db
    .updateTable('runs')
    .set({ status: 'success', completed_at })
    .where('id', '=', id)
    .execute()
  const common = { repository, project: 'api', release_number: 1 }
  if (environments.length === 0) return id
  const release = randomUUID()
  await db
    .insertInto('releases')
    .values({
      ...common,
      id: release,
      commit_sha,
      run_id: id,
      oci_uri: 'x',
      oci_digest: 'sha256:x',
      trigger_type: 'branch_push',
      triggered_by: 'a',
      created_by: 'a',
      environments: JSON.stringify(asked),
      resources: '[]',
    })
    .execute()
  for (const environment of environments) {
    await db
      .insertInto('deployments')
      .values({
        ...common,
        id: randomUUID(),
        release_id: release,
        environment,
        status: 'superseded',
        deployed_by: 'a',
      })
      .execute()
  }
  return id
}

const retention = {
  undeployedMs: 7 * dayMs,
  environments: [
    { name: 'dev', keptMs: 7 * dayMs },
    { name: 'staging', keptMs: 30 * dayMs },
    { name: 'production', keptMs: 90 * dayMs },
  ],
}

it('deletes logs when the time of the longest of their environments is over', async () => {
  const gone = [
    await endedRun(8, []),
    await endedRun(8, ['dev']),
    await endedRun(31, ['dev', 'staging']),
    await endedRun(91, ['dev', 'staging', 'production']),
  ]
  for (const [days, environments] of [
    [6, []],
    [29, ['dev', 'staging']],
    [89, ['production', 'dev']],
    [80, ['an-environment-of-before']],
  ] as const) {
    await endedRun(days, environments)
  }
  const deleted: string[] = []
  const deps = { ...depsOf(), deleteLogs: async (prefix: string) => void deleted.push(prefix) }
  const input = { retention, now, signal: new AbortController().signal }
  expect(await deleteOldLogs(deps, input)).toBe(4)
  expect(deleted.toSorted()).toEqual(gone.map((id) => `pipeline-runs/${id}/`).toSorted())
  expect(await deleteOldLogs(deps, input)).toBe(0)
})

it('keeps logs for a shorter time where a release asks for it, never for a longer one', async () => {
  const production = (logRetentionDays: number | null) => [
    forgeEnvironment('dev', { logRetentionDays: 300 }),
    forgeEnvironment('production', { logRetentionDays }),
  ]
  const gone = [
    await endedRun(31, ['production'], production(30)),
    await endedRun(91, ['production'], production(365)),
  ]
  await endedRun(29, ['production'], production(30))
  await endedRun(31, ['production'], production(null))
  // The other environment's own time holds.
  await endedRun(29, ['staging', 'production'], production(10))
  const deleted: string[] = []
  const deleteLogs = async (_: string, id: string) => void deleted.push(id)
  const input = { retention, now, signal: new AbortController().signal }
  await deleteOldLogs({ ...depsOf(), deleteLogs }, input)
  expect(deleted.toSorted()).toEqual(gone.toSorted())
})

it('says of a step that its log went, and when', async () => {
  const { db } = app.database
  const id = await endedRun(8, [])
  const phase = randomUUID()
  const task = randomUUID()
  const step = randomUUID()
  await db
    .insertInto('phases')
    .values({ id: phase, run_id: id, position: 0, name: 'p', group_number: 1, timeout_ms: 1 })
    .execute()
  await db
    .insertInto('tasks')
    .values({
      id: task,
      run_id: id,
      phase_id: phase,
      position: 0,
      project_name: 'api',
      project_path: '.',
    })
    .execute()
  await db
    .insertInto('steps')
    .values({
      id: step,
      run_id: id,
      task_id: task,
      position: 0,
      name: 's',
      definition: '{}',
      log_key: 'k',
    })
    .execute()
  const deps = { ...depsOf(), deleteLogs: async () => {} }
  await deleteOldLogs(deps, { retention, now, signal: new AbortController().signal })
  const answer = await app.request('GET', `/v1/steps/${step}/logs`)
  expect(answer.statusCode).toBe(410)
  expect(answer.json()).toMatchObject({
    error: { code: 'gone', details: { deleted_at: now.toISOString() } },
  })
})
