import { afterEach } from 'vitest'
import {
  createDistributionRegistry,
  type DistributionRegistryOptions,
} from '../../packages/server/src/adapters/registry/distribution/create-distribution-registry.ts'
import { pushArtifact } from '../../packages/server/src/oci/index.ts'
import type { Registry } from '../../packages/server/src/ports/registry.ts'
import { registryUser } from '../support/docker-registry.ts'
import { type Fault, type RegistryCall, startFaultRegistry } from '../support/fault-registry.ts'

const { signal } = new AbortController()
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** Has it closed at the end of the test. */
export function closing<T extends { close(): unknown }>(resource: T): T {
  closers.push(() => resource.close())
  return resource
}

/** The adapter, in a hurry. */
export function openRegistry(
  registry: string,
  more: Partial<DistributionRegistryOptions> = {},
): Registry {
  return createDistributionRegistry({
    registry,
    openCredential: async () => registryUser,
    pauseMs: 1,
    stallMs: 5_000,
    ...more,
  })
}

/** The adapter, and a registry that fails as it is told to. */
export async function openFailing(
  fault: (call: RegistryCall) => Fault,
  more: Partial<DistributionRegistryOptions> = {},
) {
  const server = closing(await startFaultRegistry(fault))
  return { server, registry: openRegistry(server.host, more) }
}

/** Pushes an artifact of one layer to acme/shop. */
export function pushThing(
  registry: Registry,
  content: Buffer,
  tags: readonly string[] = ['v1'],
): Promise<{ digest: string; size: number }> {
  return pushArtifact(
    registry,
    {
      repository: 'acme/shop',
      artifactType: 'application/vnd.test.thing',
      layers: [{ mediaType: 'text/plain', content }],
      tags,
    },
    signal,
  )
}
