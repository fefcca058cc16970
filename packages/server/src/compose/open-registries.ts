import type { Logger } from 'pino'
import { collectBlobs } from '../adapters/registry/embedded/collect-blobs.ts'
import { createEmbeddedRegistry } from '../adapters/registry/embedded/create-embedded-registry.ts'
import {
  openRegistries as createRegistries,
  openRegistry,
} from '../adapters/registry/open-registries.ts'
import type { Config } from '../config/read-config.ts'
import { type CredentialsDeps, openRegistryCredential } from '../credentials/index.ts'
import { startDuty } from '../duties/index.ts'
import type { Store } from '../open-store.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Registries, ServedRegistry } from '../ports/registry.ts'
import type { Resources } from '../resources.ts'

export interface OpenedRegistries {
  /** Served at `/v2/`, also when releases go elsewhere. */
  embedded: ServedRegistry
  registries: Registries
  /** For health: the registry of the settings; empty without one. */
  checks: { registry?: () => Promise<void> }
}

const dayMs = 86_400_000
const checkMs = 10_000

/** The embedded OCI store and its collector, and the registry of the settings if there is one. */
export function openRegistries(
  config: Config,
  log: Logger,
  opened: {
    store: Store
    objects: ObjectStore
    credentials: CredentialsDeps
    /** Id of this process's worker. */
    holder: string
    /** By which clients reach this server; asked for when it listens. */
    url: () => string
  },
  resources: Resources,
): OpenedRegistries {
  const { store, objects, credentials, holder, url } = opened
  const { db } = store
  const embedded = createEmbeddedRegistry({ db, objects, base: () => hostOf(url()) })
  const collector = startDuty(
    { db, log, holder },
    {
      name: 'oci blobs',
      everyMs: 3_600_000,
      run: async (signal) => {
        const before = new Date(Date.now() - dayMs)
        const blobs = await collectBlobs({ db, objects }, { before, signal })
        if (blobs > 0) log.info({ blobs }, 'took away blobs that no manifest came to need')
      },
    },
  )
  resources.add('oci blobs', collector, (started) => started.close())

  const { registry, credential, plainHttp } = config.oci
  const openLogin = (login: { name: string; askedBy: string | null }) =>
    openRegistryCredential(credentials, login)
  if (registry === null) {
    return {
      embedded,
      registries: createRegistries({ home: embedded, openLogin, plainHttp }),
      checks: {},
    }
  }
  const home = openRegistry({ openLogin, plainHttp }, { registry, credential, askedBy: null })
  return {
    embedded,
    registries: createRegistries({ home, openLogin, plainHttp }),
    checks: { registry: () => home.check(AbortSignal.timeout(checkMs)) },
  }
}

/** What an address that listens everywhere is not reached by. */
const everywhere: ReadonlySet<string> = new Set(['0.0.0.0', '[::]'])

function hostOf(url: string): string {
  const { hostname, host, port } = new URL(url)
  return everywhere.has(hostname) ? `localhost:${port}` : host
}
