import { openCredentialLogin } from '../credentials/index.ts'
import { AppError } from '../errors.ts'
import type { ImageLogin } from '../ports/image-engine.ts'
import type { RegistriesDeps } from './deps.ts'
import { isForRegistry } from './registry-host.ts'
import { findRegistry, type RegistryRow } from './registry-rows.ts'

/**
 * The login of a registry, for whoever pushes there at this moment; null: it has none. AppError
 * `resource_not_found` when the registry is gone, `authorization_failed` when its credential says to be
 * for another one, `unavailable` when it has expired or gives no login.
 */
export async function openRegistryLogin(
  deps: RegistriesDeps,
  input: { registryId: number },
): Promise<ImageLogin | null> {
  return loginOf(deps, await findRegistry(deps.db, input.registryId))
}

/** The same for a row that was just read. */
export async function loginOf(
  deps: RegistriesDeps,
  registry: Pick<RegistryRow, 'name' | 'registry_url' | 'namespace' | 'credential_id'>,
): Promise<ImageLogin | null> {
  const { credential_id: id, registry_url: host, namespace } = registry
  if (id === null) return null
  const { username, password, registryUrl } = await openCredentialLogin(deps, {
    id,
    ecrEndpoint: deps.ecrEndpoint ?? null,
  })
  if (registryUrl !== null && !isForRegistry(registryUrl, { host, namespace })) {
    throw new AppError(
      'authorization_failed',
      `The credential of the registry ${registry.name} is for ${registryUrl}, not for ${host}`,
    )
  }
  return { username, password, serverAddress: host }
}
