import type { Health } from '@slipway/contract/health'
import type { Release } from '@slipway/contract/releases'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type DockerRegistry,
  registryUser,
  startDockerRegistry,
} from '../support/docker-registry.ts'
import { createRepository, type TestRepository } from '../support/git-repository.ts'
import { skopeo } from '../support/oci-server.ts'
import { finishedRun, logOf, startRun, stepNamed } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// A server whose releases go to a registry of the settings, with a stored credential.

const name = 'acme/shop'
/** A project whose every commit on main is released. */
const files = {
  '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: { check: {} } }),
  '.forge/project.json': JSON.stringify({
    name: 'api',
    phases: { check: { steps: [{ name: 'test', run: 'true' }] } },
    release: { on: [{ branch: 'main' }] },
  }),
}
let registry: DockerRegistry
let server: TestServer
let repository: TestRepository

beforeAll(async () => {
  registry = await startDockerRegistry()
  server = await startTestServer({
    OCI_REGISTRY: `${registry.host}/team`,
    OCI_CREDENTIAL: 'registry',
  })
  repository = await createRepository(server.repositories, name)
})
afterAll(async () => {
  await server.close()
  await registry.close()
})

const health = async () => (await (await server.request('GET', '/health')).json()) as Health
const release = async () => {
  const sha = await repository.commit(files)
  return { sha, run: await finishedRun(server, await startRun(server, name, sha)) }
}

describe('the registry of the settings', () => {
  it('is missed by health until its credential is stored', async () => {
    expect((await health()).checks).toMatchObject({ database: 'pass', registry: 'fail' })
    const { username, password } = registryUser
    await server.json('POST', '/api/credentials', {
      body: {
        name: 'registry',
        credential_type: 'registry_generic',
        credential_data: {
          username,
          password_or_token: password,
          registry_url: `http://${registry.host}`,
        },
      },
      expect: 201,
    })
    await expect.poll(async () => (await health()).checks['registry']).toBe('pass')
    expect((await health()).status).toBe('healthy')
  })

  it('gets the releases of runs, and anybody with its password can pull them', async () => {
    const { sha, run } = await release()
    expect(run.status).toBe('success')
    const made = await server.json<Release>('GET', `/v1/releases/${name}/api/${sha}`)
    expect(made.oci_uri).toBe(`${registry.host}/team/acme/shop/api:${sha}`)
    const { username, password } = registryUser
    const raw = await skopeo(
      'inspect',
      '--raw',
      '--tls-verify=false',
      '--creds',
      `${username}:${password}`,
      `docker://${registry.host}/team/acme/shop/api@${made.oci_digest}`,
    )
    expect(JSON.parse(raw)).toMatchObject({ artifactType: 'application/vnd.forge.release.v1' })
    const embedded = await server.request('GET', `/v2/acme/shop/api/manifests/${sha}`)
    expect(embedded.status).toBe(404)
  })

  it('that is away fails the release, which the log says, and leaves no number behind', async () => {
    await registry.close()
    await expect.poll(async () => (await health()).checks['registry']).toBe('fail')
    const { sha, run } = await release()
    expect(run.status).toBe('failed')
    const log = await logOf(server, stepNamed(run, 'release'))
    expect(log).toContain(`The registry ${registry.host}/team cannot be used`)
    expect(log).not.toContain(registryUser.password)
    const missing = await server.request('GET', `/v1/releases/${name}/api/${sha}`)
    expect(missing.status).toBe(404)
    const { total } = await server.json<{ total: number }>('GET', `/v1/releases/${name}/api`)
    expect(total).toBe(1)
  })
})

describe('a server without one', () => {
  it('has no check for it, and serves its releases itself', async () => {
    const own = await startTestServer()
    try {
      const { checks } = (await (await own.request('GET', '/health')).json()) as Health
      expect(Object.keys(checks)).not.toContain('registry')
      const shop = await createRepository(own.repositories, name)
      const sha = await shop.commit(files)
      await finishedRun(own, await startRun(own, name, sha))
      const made = await own.json<Release>('GET', `/v1/releases/${name}/api/${sha}`)
      expect(made.oci_uri).toBe(`${new URL(own.url).host}/acme/shop/api:${sha}`)
      const login = ['--tls-verify=false', '--creds', `anybody:${own.token}`]
      const raw = await skopeo('inspect', '--raw', ...login, `docker://${made.oci_uri}`)
      expect(JSON.parse(raw)).toMatchObject({ artifactType: 'application/vnd.forge.release.v1' })
    } finally {
      await own.close()
    }
  })
})
