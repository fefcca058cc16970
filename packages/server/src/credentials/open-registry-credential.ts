import type { CredentialType } from '@slipway/contract/credentials'
import { AppError } from '../errors.ts'
import { allowUse } from './allow-use.ts'
import type { CredentialsDeps } from './deps.ts'
import { ecrLogin } from './ecr-login.ts'
import { type OpenCredential, readCredential } from './read-credential.ts'
import type { RegistryLogin } from './registry-login.ts'

/**
 * A stored credential for a registry, by name. One of Amazon ECR becomes a login that is good for
 * twelve hours. Fails as `readCredential` and, where a commit of `askedBy` names it, `allowUse` do, and
 * with an `unavailable` where the credential is not for registries, or Amazon gives no login.
 */
export async function openRegistryCredential(
  deps: CredentialsDeps,
  input: { name: string; askedBy: string | null },
): Promise<RegistryLogin> {
  const { name, askedBy } = input
  const credential = await readCredential(deps, { name })
  const login = await registryLoginOf(credential)
  // Whoever has the login compares the place with it.
  const isBound = login.registryUrl !== null
  allowUse(credential, { askedBy, isBound, remedy: 'a registry_url in its credential_data' })
  return login
}

/** Where the registries are that have a type of credential of their own. */
export const fixedRegistries: Partial<Record<CredentialType, string>> = {
  registry_docker_hub: 'https://registry-1.docker.io',
  registry_quay_io: 'https://quay.io',
}

/** `ecrEndpoint` takes the place of Amazon's own. */
export async function registryLoginOf(
  credential: OpenCredential,
  ecrEndpoint: string | null = null,
): Promise<RegistryLogin> {
  const { type, data, name } = credential
  switch (type) {
    case 'registry_docker_hub':
      return {
        username: data.username,
        password: data.access_token,
        registryUrl: fixedRegistries[type] ?? null,
      }
    case 'registry_quay_io':
      return {
        username: data.username,
        password: data.password,
        registryUrl: fixedRegistries[type] ?? null,
      }
    case 'registry_generic':
      return {
        username: data.username,
        password: data.password_or_token,
        registryUrl: data.registry_url ?? null,
      }
    case 'registry_aws_ecr':
      return ecrLogin(name, data, ecrEndpoint)
    default:
      throw new AppError(
        'unavailable',
        `The credential ${name} is of type ${type}, which is not for registries`,
      )
  }
}
