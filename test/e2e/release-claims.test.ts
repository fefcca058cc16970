import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { createTurns } from '../../packages/server/src/git/index.ts'
import { claimJobs, registerWorker, releaseJobs } from '../../packages/server/src/jobs/index.ts'
import { createFileLogStore } from '../../packages/server/src/logs/index.ts'
import type { Registry } from '../../packages/server/src/ports/registry.ts'
import { createRunRelease } from '../../packages/server/src/releases/create-run-release.ts'
import type { ReleasesDeps } from '../../packages/server/src/releases/index.ts'
import { beginAttempt, reportWork, runJobOwners } from '../../packages/server/src/runs/index.ts'
import type { WorkerDeps } from '../../packages/server/src/worker/deps.ts'
import { runRelease } from '../../packages/server/src/worker/run-release.ts'
import { createReleasesApp, type ReleasesApp } from '../support/releases-app.ts'

// Two workers at one release: the first was given up while it was still pushing.

const repository = 'acme/shop'
const project = 'api'
const ociRepository = 'acme/shop/api'
const log = pino({ level: 'silent' })
const signal = AbortSignal.timeout(60_000)

let root: string
let app: ReleasesApp
const opened: { close(): Promise<void> }[] = []
let commits = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'slipway-claims-'))
  app = await createReleasesApp()
})
afterAll(async () => {
  for (const store of opened) await store.close()
  await app.close()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

const runs = () => ({ ...app.deps, stopJobs() {} })
const ledger = () => ({ ...app.deps, owners: runJobOwners(runs()) })

/** A run of which the release is the last thing to be made, with that job in the ledger. */
async function runBeforeRelease() {
  const commit = `${++commits}`.padStart(40, 'c')
  const runId = await app.addRun({
    repository,
    commit,
    project,
    status: 'running',
    releaseTrigger: 'branch_push',
  })
  const { pool } = app.database
  const [phase, task, job] = [randomUUID(), randomUUID(), randomUUID()]
  const payload = {
    run_id: runId,
    task_id: task,
    repository,
    branch: 'main',
    commit_sha: commit,
    trigger_type: 'push',
    phase: 'release',
    project,
    project_path: '.',
    timeout_ms: 60_000,
  }
  await pool.query(
    `insert into phases (id, run_id, position, name, group_number, timeout_ms)
     values ($1, $2, 9, 'release', 9, 60000)`,
    [phase, runId],
  )
  await pool.query(
    `insert into jobs (id, type, subject, run_id, payload, timeout_ms)
     values ($1, 'release', $2, $3, $4, 120000)`,
    [job, `pipeline.releases.${runId}`, runId, JSON.stringify(payload)],
  )
  await pool.query(
    `insert into tasks (id, run_id, phase_id, position, project_name, project_path, kind, job_id)
     values ($1, $2, $3, 0, $4, '.', 'release', $5)`,
    [task, runId, phase, project, job],
  )
  await pool.query(
    `insert into steps (id, run_id, task_id, position, name, definition, log_key)
     values ($1, $2, $3, 0, 'release', $4, $5)`,
    [
      randomUUID(),
      runId,
      task,
      JSON.stringify({ name: 'release', needs: [], timeoutMs: 60_000 }),
      `pipeline-runs/${runId}/logs/release/api/release.log`,
    ],
  )
  return { runId, task, commit }
}

/** Claims the one job there is. */
async function claim() {
  const workerId = randomUUID()
  await registerWorker(app.deps, {
    id: workerId,
    name: 'w',
    home: workerId,
    types: ['release'],
    capacity: 1,
  })
  const [job] = await claimJobs(app.deps, { workerId, types: ['release'], limit: 1 })
  if (job === undefined) throw new Error('there was no job')
  return { job, workerId }
}

/** A worker in a process of its own; `onPushed` happens once, when it has pushed its release. */
function worker(workerId: string, onPushed: () => Promise<void> = async () => {}) {
  let pushed = false
  const registry: Registry = {
    ...app.deps.registry,
    async putManifest(name, manifest, given) {
      const before = pushed ? async () => {} : onPushed
      pushed = true
      await before()
      return app.deps.registry.putManifest(name, manifest, given)
    },
  }
  const releases: ReleasesDeps = { ...app.deps, registry, turns: createTurns() }
  const control = {
    beginAttempt: (input: Parameters<typeof beginAttempt>[1]) => beginAttempt(runs(), input),
    reportWork: (input: Omit<Parameters<typeof reportWork>[1], 'principal'>) =>
      reportWork(runs(), { principal: null, ...input }),
    createRelease: (input: Parameters<typeof createRunRelease>[1], stop: AbortSignal) =>
      createRunRelease(releases, input, stop),
  }
  const directory = join(root, workerId)
  const objects = createFilesystemObjectStore({ root: join(directory, 'objects'), log })
  const logs = createFileLogStore({ directory: join(directory, 'logs'), objects, log })
  opened.push(logs, objects)
  return { control, logs, log, workerId } as unknown as WorkerDeps
}

const statusOf = async (runId: string) => {
  const { rows } = await app.database.pool.query<{ run: string; task: string; error: string }>(
    `select r.status as run, t.status as task, t.error from runs r join tasks t on t.run_id = r.id
     where r.id = $1`,
    [runId],
  )
  return rows[0]
}

it('a worker that was given up does not fail the task that is about to be repeated', async () => {
  const { runId } = await runBeforeRelease()
  const first = await claim()
  const giveUp = async () => {
    await releaseJobs(ledger(), { workerId: first.workerId, error: 'The worker was silent' })
  }
  const outcome = await runRelease(worker(first.workerId, giveUp), first.job, signal)
  expect(outcome).toEqual({ state: 'settled' })
  expect(await statusOf(runId)).toEqual({ run: 'running', task: 'running', error: null })
  const second = await claim()
  await runRelease(worker(second.workerId), second.job, signal)
  expect(await statusOf(runId)).toEqual({ run: 'success', task: 'success', error: null })
})

it('what it pushed late does not stay under the tag of the release that was stored', async () => {
  const { runId, commit } = await runBeforeRelease()
  const first = await claim()
  const overtake = async () => {
    await releaseJobs(ledger(), { workerId: first.workerId, error: 'The worker was silent' })
    const second = await claim()
    await runRelease(worker(second.workerId), second.job, signal)
  }
  await runRelease(worker(first.workerId, overtake), first.job, signal)
  expect(await statusOf(runId)).toEqual({ run: 'success', task: 'success', error: null })
  const { rows } = await app.database.pool.query<{ oci_digest: string }>(
    'select oci_digest from releases where commit_sha = $1',
    [commit],
  )
  const tagged = await app.registry.getManifest(ociRepository, commit, signal)
  expect(tagged?.digest).toBe(rows[0]?.oci_digest)
})
