import { AppError } from '../../errors.ts'
import type { Registries, Registry } from '../../ports/registry.ts'
import { createDistributionRegistry } from './distribution/create-distribution-registry.ts'
import { parseRegistryAddress } from './distribution/registry-address.ts'

/** A stored credential, opened. */
export interface RegistryLogin {
  username: string
  password: string
  /** The registry that it is for, where it says so: a URL or a host. */
  registryUrl: string | null
}

export interface RegistriesDeps {
  /** Where releases and tracking artifacts go. */
  home: Registry
  /** Opens a stored credential by its name; AppError `resource_not_found` when there is none. */
  openLogin: (name: string) => Promise<RegistryLogin>
  /** Hosts (`host[:port]`) beyond loopback that may be spoken to without TLS. */
  plainHttp: readonly string[]
}

/** The registries that releases, tracking artifacts and publishers use. */
export function openRegistries(deps: RegistriesDeps): Registries {
  return {
    home: deps.home,
    async open(input) {
      const { credential } = input
      const registry = openRegistry(deps, input)
      // Asked for once now, so that a wrong name is told before anything is done.
      if (credential !== null) await openFor(deps, { registry: input.registry, credential })
      return registry
    },
  }
}

/** A registry by its address, whose credential is opened when the registry asks for it. */
export function openRegistry(
  deps: Pick<RegistriesDeps, 'openLogin' | 'plainHttp'>,
  input: { registry: string; credential: string | null },
): Registry {
  const { registry, credential } = input
  return createDistributionRegistry({
    registry,
    plainHttp: deps.plainHttp,
    openCredential: async () =>
      credential === null ? null : openFor(deps, { registry, credential }),
  })
}

/** A credential that says which registry it is for goes to no other. */
async function openFor(
  deps: Pick<RegistriesDeps, 'openLogin'>,
  input: { registry: string; credential: string },
): Promise<RegistryLogin> {
  const login = await deps.openLogin(input.credential)
  if (login.registryUrl === null) return login
  const own = login.registryUrl.replace(/^https?:\/\//, '').split('/')[0] ?? ''
  const hostOf = (address: string) => new URL(parseRegistryAddress(address).origin).host
  if (hostOf(own) === hostOf(input.registry)) return login
  throw new AppError(
    'authorization_failed',
    `The credential ${input.credential} is for the registry ${own}, not for ${input.registry}`,
  )
}
