import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openVault } from '../../packages/server/src/secrets/index.ts'
import type { HttpServerDeps } from '../../packages/server/src/http/app.ts'
import { createTestApp, type TestApp } from './http.ts'

/** The application with a vault, and the rooms whose secrets are in it. */
export async function createVaultApp(
  repositories: Partial<HttpServerDeps['builds']['repositories']> = {},
  credentials: Partial<HttpServerDeps['builds']['credentials']> = {},
): Promise<TestApp & { accessDirectory: string }> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-vault-'))
  const accessDirectory = join(root, 'access')
  const vault = openVault([Buffer.alloc(32, 1)])
  const builds = {} as HttpServerDeps['builds']
  const test = await createTestApp({ builds }, (db) => {
    Object.assign(builds, {
      credentials: { db, vault, accessDirectory, ...credentials },
      registries: { db, vault, plainHttp: [], ...credentials },
      repositories: {
        db,
        vault,
        accessDirectory,
        allowFileRepositories: true,
        gitBaseUrl: 'https://github.com',
        defaultCredential: null,
        ...repositories,
      },
      signal: new AbortController().signal,
    })
    return { secrets: { db, vault } }
  })
  const close = async () => {
    await test.close()
    await rm(root, { recursive: true, force: true })
  }
  return { ...test, close, accessDirectory }
}
