import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { CreatedToken } from '@slipway/contract/access'
import type { CreateReleaseResponse } from '@slipway/contract/releases'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository } from '../support/git-repository.ts'
import { temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const run = promisify(execFile)
const name = 'acme/shop'

// A release as a client of registries gets it: skopeo, with a token as password.

let server: TestServer
let release: CreateReleaseResponse
let sha: string

beforeAll(async () => {
  server = await startTestServer()
  const repository = await createRepository(server.repositories, name)
  sha = await repository.commit({
    '.forge/repo.json': JSON.stringify({ forgeVersion: 1, phases: {} }),
    '.forge/project.json': JSON.stringify({
      name: 'api',
      release: { on: [{ manual: true }] },
      deploy: {
        resources: [
          { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'api' }, data: { a: 'b' } },
        ],
      },
    }),
  })
  const body = { repository: name, project: 'api', commit_sha: sha, artifacts: [] }
  release = await server.json<CreateReleaseResponse>('POST', '/v1/releases', { body })
})
afterAll(() => server.close())

/** Pulls by the URI that the release says; answers where its layout is. */
async function pull(reference: string, token: string): Promise<string> {
  const directory = join(await temporaryDirectory(), 'pulled')
  const login = ['--src-tls-verify=false', `--src-creds=any:${token}`]
  await run('skopeo', ['copy', '--quiet', ...login, `docker://${reference}`, `dir:${directory}`])
  return directory
}

describe('skopeo', () => {
  it('pulls a release by its URI, with the digest and the layers that it has', async () => {
    const directory = await pull(release.oci_uri, server.token)
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as {
      artifactType: string
      layers: { mediaType: string; digest: string }[]
    }
    expect(manifest.artifactType).toBe('application/vnd.forge.release.v1')
    const file = (index: number) =>
      readFile(join(directory, manifest.layers[index]?.digest.replace('sha256:', '') ?? ''))
    expect(JSON.parse((await file(0)).toString())).toMatchObject({ commit_sha: sha })
    expect(gunzipSync(await file(1)).toString()).toContain('kind: ConfigMap')
    const byDigest = release.oci_uri.replace(`:${sha}`, `@${release.oci_digest}`)
    await pull(byDigest, server.token)
  })

  it('is refused without a token, and with one for other repositories', async () => {
    const body = { name: 'other', roles: ['viewer'], repositories: ['acme/other'] }
    const { token } = await server.json<CreatedToken>('POST', '/v1/tokens', { body })
    for (const wrong of ['nothing', token]) {
      await expect(pull(release.oci_uri, wrong)).rejects.toThrow(/skopeo/)
    }
  })
})
