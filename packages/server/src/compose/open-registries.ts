import { createDistributionRegistry } from '../adapters/registry/distribution/create-distribution-registry.ts'
import { type CredentialsDeps, openRegistryCredential } from '../credentials/index.ts'
import { AppError } from '../errors.ts'
import type { Registries, Registry } from '../ports/registry.ts'

/** The home registry, and others by their addresses with stored credentials. */
export function openRegistries(opened: {
  home: Registry
  credentials: CredentialsDeps
}): Registries {
  const { home, credentials } = opened
  return {
    home,
    async open({ registry, credential: name }) {
      if (name === null) return createDistributionRegistry({ registry, credential: null })
      const { registryUrl, username, password } = await openRegistryCredential(credentials, {
        name,
      })
      if (registryUrl !== null && hostOf(registryUrl) !== hostOf(registry)) {
        throw new AppError('authorization_failed', `The credential ${name} is not for ${registry}`)
      }
      return createDistributionRegistry({ registry, credential: { username, password } })
    },
  }
}

/** Docker Hub goes by several names. */
function hostOf(address: string): string {
  const url = /^https?:\/\//.test(address) ? address : `https://${address}`
  const host = URL.canParse(url) ? new URL(url).host : address
  return ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host)
    ? 'docker.io'
    : host
}
