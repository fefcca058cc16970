import type { CredentialType } from '@slipway/contract/credentials'
import { AppError } from '../errors.ts'
import type { CredentialsDeps } from './deps.ts'
import { fixedRegistries, registryLoginOf } from './open-registry-credential.ts'
import type { RegistryLogin } from './registry-login.ts'
import { readCredential } from './read-credential.ts'

/** What a credential says of itself. */
export interface RegistryCredential {
  type: CredentialType
  /** The registry that it is for, where it says so and nobody has to be asked for it. */
  registryUrl: string | null
}

/**
 * What a stored credential is for, without asking anybody; null when there is none. Fails like
 * `readCredential` when it has expired or cannot be decrypted.
 */
export async function describeRegistryCredential(
  deps: CredentialsDeps,
  input: { id: number },
): Promise<RegistryCredential | null> {
  try {
    const { type, data } = await readCredential(deps, input)
    if (type === 'registry_generic') return { type, registryUrl: data.registry_url ?? null }
    return { type, registryUrl: fixedRegistries[type] ?? null }
  } catch (error) {
    if (error instanceof AppError && error.code === 'resource_not_found') return null
    throw error
  }
}

/**
 * The login of a stored credential, for whoever uses it at once. `ecrEndpoint` takes the place of
 * Amazon's own. Fails as `readCredential` does, and with an `unavailable` where there is no login.
 */
export async function openCredentialLogin(
  deps: CredentialsDeps,
  input: { id: number; ecrEndpoint: string | null },
): Promise<RegistryLogin> {
  return registryLoginOf(await readCredential(deps, { id: input.id }), input.ecrEndpoint)
}
