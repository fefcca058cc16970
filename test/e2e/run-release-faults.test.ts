import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { PlatformError } from '@slipway/contract/errors'
import type { Release } from '@slipway/contract/releases'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, logOf, startRun, stepNamed, tasksOf, waitForRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// Releases in a registry of others, which asks who it is, is away, and falls silent.

const name = 'acme/shop'
let registry: DockerRegistry
let proxy: FaultyProxy
let server: TestServer
let repository: TestRepository

beforeAll(async () => {
  registry = await startDockerRegistry()
  proxy = await startFaultyProxy(registry.host)
  server = await startTestServer({ OCI_REGISTRY: proxy.host, OCI_CREDENTIAL: 'releases' })
  const { username, password } = registryUser
  await server.json('POST', '/api/credentials', {
    body: {
      name: 'releases',
      credential_type: 'registry_generic',
      credential_data: { username, password_or_token: password },
    },
  })
  repository = await createRepository(server.repositories, name)
})
afterAll(async () => {
  await server.close()
  await proxy.close()
  await registry.close()
})
beforeEach(() => {
  proxy.mode = 'pass'
})

function commit(): Promise<string> {
  return repository.commit({
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: {} }),
    '.forge/project.json': JSON.stringify({
      name: 'api',
      release: { on: [{ branch: 'main' }, { manual: true }] },
    }),
  })
}

const release = (sha: string) => server.json<Release>('GET', `/v1/releases/${name}/api/${sha}`)

async function total(): Promise<number> {
  return (await server.json<{ total: number }>('GET', `/v1/releases/${name}/api`)).total
}

describe('a registry of the settings', () => {
  it('gets releases, with the credential that is stored for it', async () => {
    const sha = await commit()
    expect((await finishedRun(server, await startRun(server, name, sha))).status).toBe('success')
    const made = await release(sha)
    expect(made.oci_uri).toBe(`${proxy.host}/acme/shop/api:${sha}`)
    const { username, password } = registryUser
    const login = ['--tls-verify=false', `--creds=${username}:${password}`]
    const { stdout } = await promisify(execFile)('skopeo', [
      'inspect',
      '--raw',
      ...login,
      `docker://${registry.host}/acme/shop/api@${made.oci_digest}`,
    ])
    expect(JSON.parse(stdout)).toMatchObject({ artifactType: 'application/vnd.forge.release.v1' })
  })

  it('that is away is tried again by the run', async () => {
    const before = await total()
    proxy.mode = 'down'
    const sha = await commit()
    const id = await startRun(server, name, sha)
    await waitForRun(server, id, (run) => tasksOf(run).some(({ attempt }) => attempt > 1))
    proxy.mode = 'pass'
    const ended = await finishedRun(server, id)
    expect(ended.status).toBe('success')
    expect((await release(sha)).release_number).toBe(before + 1)
    expect(await logOf(server, stepNamed(ended, 'release'))).toContain('--- attempt 2 ---')
  })

  it('that stays away fails the run in the end, and leaves nothing', async () => {
    const before = await total()
    proxy.mode = 'down'
    const ended = await finishedRun(server, await startRun(server, name, await commit()))
    expect(ended.status).toBe('failed')
    expect(ended.message).toContain('3 attempts')
    expect(await total()).toBe(before)
  }, 90_000)

  it('that is away makes a release by hand 503, and it is fine afterwards', async () => {
    const before = await total()
    proxy.mode = 'down'
    const sha = await commit()
    const body = { repository: name, project: 'api', commit_sha: sha, artifacts: [] }
    const response = await server.request('POST', '/v1/releases', { body })
    expect(response.status).toBe(503)
    const { error } = (await response.json()) as PlatformError
    expect(error.code).toBe('unavailable')
    expect(error.message).not.toContain(registryUser.password)
    expect(await total()).toBe(before)
    proxy.mode = 'pass'
    const made = await server.json<Release>('POST', '/v1/releases', { body })
    expect(made.release_number).toBe(before + 1)
  })

  it('that is silent does not keep a run from being cancelled, and no number is lost', async () => {
    const before = await total()
    const sha = await commit()
    proxy.mode = 'hang'
    const hung = proxy.nextHung()
    const id = await startRun(server, name, sha)
    await hung
    expect((await server.request('DELETE', `/v1/runs/${id}`)).status).toBe(204)
    expect((await finishedRun(server, id)).status).toBe('cancelled')
    proxy.mode = 'pass'
    expect((await finishedRun(server, await startRun(server, name, sha))).status).toBe('success')
    expect((await release(sha)).release_number).toBe(before + 1)
  })
})
