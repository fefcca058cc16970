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
  /**
   * Opens a stored credential by its name, for a commit of `askedBy`. AppError `resource_not_found`
   * when there is none, `authorization_failed` when it is not for that repository.
   */
  openLogin: (input: { name: string; askedBy: string | null }) => Promise<RegistryLogin>
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
      if (credential !== null) await openFor(deps, { ...input, credential })
      return registry
    },
  }
}

/** A registry by its address, whose credential is opened when the registry asks for it. */
export function openRegistry(
  deps: Pick<RegistriesDeps, 'openLogin' | 'plainHttp'>,
  input: { registry: string; credential: string | null; askedBy: string | null },
): Registry {
  const { registry, credential } = input
  return createDistributionRegistry({
    registry,
    plainHttp: deps.plainHttp,
    openCredential: async () =>
      credential === null ? null : openFor(deps, { ...input, credential }),
  })
}

/** A credential that says which registry it is for, or which part of one, goes to no other. */
async function openFor(
  deps: Pick<RegistriesDeps, 'openLogin'>,
  input: { registry: string; credential: string; askedBy: string | null },
): Promise<RegistryLogin> {
  const { credential, askedBy } = input
  const login = await deps.openLogin({ name: credential, askedBy })
  if (login.registryUrl === null) return login
  const own = addressOf(login.registryUrl)
  const hostOf = (address: string) => new URL(parseRegistryAddress(address).origin).host
  const [ownHost = '', ...ownPath] = own.split('/')
  const [, ...path] = input.registry.split('/')
  const isWithin = ownPath.every((part, index) => path[index] === part)
  if (isWithin && hostOf(ownHost) === hostOf(input.registry)) return login
  throw new AppError(
    'authorization_failed',
    `The credential ${credential} is for the registry ${own}, not for ${input.registry}`,
  )
}

/** `host[:port][/prefix]` of a URL. Some write the path of the protocol behind the host; it is no prefix. */
function addressOf(url: string): string {
  const [host = '', ...path] = url.replace(/^https?:\/\//, '').split('/')
  const [first, ...rest] = path.filter((part) => part !== '')
  const isProtocol = (first === 'v1' || first === 'v2') && rest.length === 0
  return [host, ...(first === undefined || isProtocol ? [] : [first, ...rest])].join('/')
}
