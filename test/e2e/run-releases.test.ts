import type { Release } from '@slipway/contract/releases'
import type { Run } from '@slipway/contract/runs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// Releases that runs make: on a branch, on a tag, and again.

const name = 'acme/shop'
let server: TestServer
let repository: TestRepository

beforeAll(async () => {
  server = await startTestServer()
  repository = await createRepository(server.repositories, name)
})
afterAll(() => server.close())

const on = [{ branch: 'main' }, { tag: true }]

function commit(strategy = 'monorepo'): Promise<string> {
  const steps = [{ name: 'test', run: 'true' }]
  return repository.commit({
    '.forge/repo.json': JSON.stringify({
      forgeVersion: 1,
      tagging: { strategy },
      phases: { check: {} },
    }),
    '.forge/project.json': JSON.stringify({
      name: 'api',
      phases: { check: { steps } },
      release: { on },
      deploy: {
        resources: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'api' }, data: {} }],
      },
    }),
  })
}

async function run(sha: string, branch = 'main'): Promise<Run> {
  return finishedRun(server, await startRun(server, name, sha, { branch }))
}

const release = (reference: string) =>
  server.json<Release>('GET', `/v1/releases/${name}/api/${encodeURIComponent(reference)}`)

describe('a run', () => {
  it('releases what is pushed to a branch that is meant, and its log says so', async () => {
    const sha = await commit()
    const ended = await run(sha)
    expect(ended).toMatchObject({ status: 'success' })
    const made = await release(sha)
    expect(made).toMatchObject({
      commit_sha: sha,
      pipeline_run_id: ended.id,
      created_by: 'slipway',
      trigger: { trigger_type: 'branch_push', branch: 'main', triggered_by: 'admin' },
    })
    const alias = `main-${made.release_number}`
    expect(made.aliases.map((one) => one.alias)).toEqual([alias, String(made.release_number)])
    const log = await logOf(server, stepNamed(ended, 'release'))
    for (const word of [`#${made.release_number}`, alias, made.oci_uri, made.oci_digest]) {
      expect(log).toContain(word)
    }
  })

  it('of a released commit succeeds and makes no other one', async () => {
    const sha = await commit()
    await run(sha)
    const { release_number: number } = await release(sha)
    const again = await run(sha)
    expect(again.status).toBe('success')
    expect(await logOf(server, stepNamed(again, 'release'))).toContain(`release #${number}`)
    const { total } = await server.json<{ total: number }>('GET', `/v1/releases/${name}/api`)
    expect(total).toBe(number)
  })

  it('of a tag on a released commit gives the release its version', async () => {
    const sha = await commit()
    await run(sha)
    const before = await release(sha)
    const tagged = await run(sha, 'refs/tags/api/v1.2.3')
    expect(tagged.status).toBe('success')
    expect(await release('v1.2.3')).toMatchObject({
      id: before.id,
      aliases: expect.arrayContaining([{ alias: 'v1.2.3', alias_type: 'tag' }]) as unknown,
      trigger: { trigger_type: 'branch_push' },
    })
    expect(await logOf(server, stepNamed(tagged, 'release'))).toContain('v1.2.3')
  })

  it('of a tag alone makes a release with its version, under both strategies', async () => {
    const mono = await commit()
    expect((await run(mono, 'refs/tags/api/v2.0.0')).status).toBe('success')
    expect(await release('v2.0.0')).toMatchObject({
      commit_sha: mono,
      trigger: { trigger_type: 'tag', branch: 'refs/tags/api/v2.0.0' },
    })
    const all = await commit('tag-all')
    expect((await run(all, 'refs/tags/v3.0.0')).status).toBe('success')
    expect((await release('v3.0.0')).commit_sha).toBe(all)
  })

  it('fails where its version means another commit, and says which', async () => {
    const first = await commit()
    await run(first, 'refs/tags/api/v9.0.0')
    const { release_number: number } = await release('v9.0.0')
    const moved = await run(await commit(), 'refs/tags/api/v9.0.0')
    expect(moved.status).toBe('failed')
    expect(moved.message).toContain(`v9.0.0 already names release #${number}`)
    expect(await logOf(server, stepNamed(moved, 'release'))).toContain('never moved')
    expect((await release('v9.0.0')).commit_sha).toBe(first)
    const { total } = await server.json<{ total: number }>('GET', `/v1/releases/${name}/api`)
    expect(total).toBe(number)
  })
})
