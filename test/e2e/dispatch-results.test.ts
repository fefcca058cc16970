// What a stage comes to that is too large for an answer ("Result Handling").
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import type { DispatchResult } from '@slipway/contract/dispatches'
import pino from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import {
  answerDispatch,
  openResult,
  readDispatchRow,
} from '../../packages/server/src/orchestration/index.ts'
import type { ObjectStore } from '../../packages/server/src/ports/object-store.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let folder: string
let objects: ObjectStore
beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'slipway-results-'))
  objects = createFilesystemObjectStore({ root: folder, log: pino({ level: 'silent' }) })
})
afterAll(async () => {
  await objects.close()
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

const uuid = (group: string, number: number) =>
  `0198c5a2-${group}-7c3a-9f10-${String(number).padStart(12, '0')}`
const principal = { id: 'd', name: 'd', roles: ['service-account'], repositories: null } as const

/** A run that has failed, whose one group had so many tasks; answers what its group is waited for by. */
async function failedRun(number: number, tasks: number, error: string): Promise<[string, string]> {
  const { db } = database
  const [runId, phaseId, id] = ['0001', '0002', '0003'].map((group) => uuid(group, number)) as [
    string,
    string,
    string,
  ]
  await db
    .insertInto('runs')
    .values({
      id: runId,
      repository: 'acme/shop',
      branch: 'main',
      commit_sha: 'abc123def456',
      status: 'failed',
      trigger_type: 'push',
      triggered_by: 'alice',
      orchestrator: 'argo',
      message: 'It failed',
      repository_ordinal: number,
      branch_ordinal: number,
      started_at: new Date(),
    })
    .execute()
  const phase = { id: phaseId, run_id: runId, position: 0, name: 'test', group_number: 1 }
  await db
    .insertInto('phases')
    .values({ ...phase, timeout_ms: 1_000, status: 'failed' })
    .execute()
  const rows = Array.from({ length: tasks }, (_, position) => ({
    id: uuid(`1${String(number).padStart(3, '0')}`, position),
    run_id: runId,
    phase_id: phaseId,
    position,
    project_name: `p${position}`,
    project_path: '.',
    status: 'failed' as const,
    error,
  }))
  await db.insertInto('tasks').values(rows).execute()
  const stage = { stage: 'group-1', group_number: 1, created_at: new Date() }
  await db
    .insertInto('run_dispatches')
    .values({ id, run_id: runId, ...stage })
    .execute()
  return [runId, id]
}

const deps = () => ({ db: database.db, objects })
const answer = async (runId: string, id: string) =>
  answerDispatch(
    deps(),
    await readDispatchRow(deps(), { principal, runId, id }),
    (dispatch) => `https://slipway.test/${dispatch.id}`,
  )

it('is in the object store, where the answer refers to it', async () => {
  const [runId, id] = await failedRun(1, 120, 'x'.repeat(10_000))
  const { result, result_reference: reference } = await answer(runId, id)
  expect(result).toBeUndefined()
  const key = `pipeline-runs/${runId}/results/dispatch/${id}.json`
  expect(reference).toEqual({
    key,
    url: `https://slipway.test/${id}`,
    size_bytes: expect.any(Number),
  })
  expect(reference?.size_bytes).toBeGreaterThan(1_200_000)
  expect((await objects.head(key))?.size).toBe(reference?.size_bytes)
  expect(await answer(runId, id), 'the same when it is asked again').toMatchObject({
    result_reference: reference,
  })
  const opened = await openResult(deps(), { principal, runId, id })
  expect(opened).toBeInstanceOf(Readable)
  const whole = JSON.parse(await text(opened as Readable)) as DispatchResult
  expect(whole).toMatchObject({
    run_id: runId,
    stage: 'group-1',
    status: 'failed',
    message: 'It failed',
  })
  expect(whole.phases?.[0]?.tasks).toHaveLength(120)
  await objects.deletePrefix(`pipeline-runs/${runId}/`)
  const again = await openResult(deps(), { principal, runId, id })
  expect(
    Buffer.isBuffer(again) && JSON.parse(again.toString()),
    'as long as its run is there',
  ).toEqual(whole)
})

it('is in the answer where it is small, and nowhere else', async () => {
  const [runId, id] = await failedRun(2, 90, 'x'.repeat(10_000))
  const { result, result_reference: reference } = await answer(runId, id)
  expect(reference).toBeUndefined()
  expect(result?.phases?.[0]?.tasks).toHaveLength(90)
  await expect(readFile(join(folder, 'pipeline-runs', runId))).rejects.toThrow('ENOENT')
})
