// API & Operations Reference, "Release APIs": releases that service accounts make for a run.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  projectName as project,
  refusalOf as refusal,
  type ReleaseCalls,
  releaseCalls,
  repositoryName as name,
} from '../support/release-calls.ts'
import { createReleasesApp, type ReleasesApp } from '../support/releases-app.ts'

const unknownId = '018f0000-0000-7000-8000-000000000000'

let app: ReleasesApp
let create: ReleaseCalls['create']
let created: ReleaseCalls['created']
let get: ReleaseCalls['get']
let commit: ReleaseCalls['commit']

beforeAll(async () => {
  app = await createReleasesApp()
  ;({ create, created, get, commit } = await releaseCalls(app))
})
afterAll(() => app.close())

describe('POST /v1/releases with a run', () => {
  const sha = 'bb22bb2200000000000000000000000000000001'
  const run = (more: Partial<Parameters<ReleasesApp['addRun']>[0]>) =>
    app.addRun({ repository: name, commit: sha, project, ...more })

  it('refuses one of another repository or commit, unknown or hidden', async () => {
    const foreign = await run({ repository: 'other/repo' })
    expect(refusal(await create({ commit_sha: sha, pipeline_run_id: foreign }))).toMatchObject({
      status: 400,
      code: 'invalid_request',
    })
    const scoped = await app.tokenFor(['developer'], { repositories: [name] })
    for (const id of [foreign, unknownId]) {
      const hidden = await create({ commit_sha: sha, pipeline_run_id: id }, scoped)
      expect(refusal(hidden)).toMatchObject({ status: 404, code: 'resource_not_found' })
    }
    const other = await create({ commit_sha: 'fedcba9', pipeline_run_id: await run({}) })
    expect(refusal(other)).toMatchObject({ status: 400, code: 'invalid_request' })
  })

  it('refuses one that is not done, has failed or was cancelled', async () => {
    for (const given of [
      { status: 'running', phases: { test: 'success', build: 'running' } },
      { status: 'failed' },
      { status: 'cancelled' },
    ] as const) {
      const id = await run(given)
      const error = refusal(await create({ commit_sha: sha, pipeline_run_id: id }))
      expect(error).toMatchObject({ status: 409, code: 'resource_conflict' })
      expect(error.details?.status).toBe(given.status)
    }
  })

  it('refuses what a fork’s pull request ran, and does not take its commit for an abbreviated one', async () => {
    const forked = 'bb22bb3300000000000000000000000000000001'
    const id = await run({ commit: forked, branch: 'refs/pull/7/head' })
    await app.database.pool.query('update runs set trusted = false where id = $1', [id])
    const named = refusal(await create({ commit_sha: forked, pipeline_run_id: id }))
    expect(named).toMatchObject({ status: 409, code: 'resource_conflict' })
    expect(named.message).toContain('outside of the repository')
    // Of its own commits the repository has none that begins so.
    expect(refusal(await create({ commit_sha: forked.slice(0, 8) })).status).toBe(404)
    const ours = `${forked.slice(0, 20)}${'9'.repeat(20)}`
    await run({ commit: ours })
    const made = await created({ commit_sha: forked.slice(0, 8) })
    expect((await get(made.id)).commit_sha).toBe(ours)
  })

  it('believes a service account what the run was for', async () => {
    const token = await app.tokenFor(['service-account'])
    const branch = await run({ releaseTrigger: 'branch_push', branch: 'release/1' })
    const made = await created({ commit_sha: sha.slice(0, 8), pipeline_run_id: branch }, token)
    expect(await get(made.id)).toMatchObject({
      commit_sha: sha,
      trigger: {
        trigger_type: 'branch_push',
        branch: 'release/1',
        triggered_by: 'alice@company.com',
      },
    })
    const tagged = 'bb22bb2200000000000000000000000000000002'
    const tag = await run({
      commit: tagged,
      releaseTrigger: 'tag',
      branch: 'refs/tags/api/v1.2.3',
    })
    const second = await created({ commit_sha: tagged, pipeline_run_id: tag }, token)
    expect((await get(second.id)).aliases).toContainEqual({
      alias: 'v1.2.3',
      alias_type: 'tag',
    })
  })

  it('refuses a service account without a run, or with one that does not release', async () => {
    const token = await app.tokenFor(['service-account'])
    const alone = refusal(await create({ commit_sha: await commit() }, token))
    expect(alone).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(JSON.stringify(alone.details)).toContain('/pipeline_run_id')
    const other = 'bb22bb2200000000000000000000000000000003'
    const id = await run({ commit: other })
    const idle = refusal(await create({ commit_sha: other, pipeline_run_id: id }, token))
    expect(idle).toMatchObject({ status: 409, code: 'resource_conflict' })
  })
})
