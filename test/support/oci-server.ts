import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { createFilesystemObjectStore } from '../../packages/server/src/adapters/object-store/filesystem/filesystem-object-store.ts'
import { createEmbeddedRegistry } from '../../packages/server/src/adapters/registry/embedded/create-embedded-registry.ts'
import type { HttpServerDeps } from '../../packages/server/src/http/app.ts'
import type { ServedRegistry } from '../../packages/server/src/ports/registry.ts'
import { createTestApp, type TestApp } from './http.ts'

const run = promisify(execFile)

/** The application, listening, with an embedded OCI store. */
export interface OciServer extends TestApp {
  /** `127.0.0.1:<port>`. */
  readonly host: string
  readonly store: ServedRegistry
  /** A folder of the test's own. */
  readonly scratch: string
}

export async function startOciServer(overrides: Partial<HttpServerDeps> = {}): Promise<OciServer> {
  const scratch = await mkdtemp(join(tmpdir(), 'slipway-oci-'))
  const opened: { store?: ServedRegistry } = {}
  let host = ''
  const { signal } = new AbortController()
  const oci = {
    signal,
    get store() {
      if (opened.store === undefined) throw new Error('the store is not open yet')
      return opened.store
    },
  }
  const test = await createTestApp({ oci, ...overrides })
  const objects = createFilesystemObjectStore({
    root: join(scratch, 'objects'),
    log: pino({ level: 'silent' }),
  })
  const store = createEmbeddedRegistry({ db: test.database.db, objects, base: () => host })
  opened.store = store
  await test.app.listen({ host: '127.0.0.1', port: 0 })
  host = `127.0.0.1:${(test.app.server.address() as AddressInfo).port}`
  return {
    ...test,
    host,
    store,
    scratch,
    async close() {
      test.app.server.closeAllConnections()
      await test.close()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

/** Runs skopeo with nothing of this machine's settings; answers what it prints. */
export async function skopeo(...args: readonly string[]): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-skopeo-'))
  try {
    const { stdout } = await run('skopeo', ['--insecure-policy', ...args], {
      env: { PATH: process.env['PATH'], HOME: home, XDG_RUNTIME_DIR: home },
      maxBuffer: 16 * 2 ** 20,
    })
    return stdout
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
