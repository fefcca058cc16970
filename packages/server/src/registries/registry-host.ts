import { isIP } from 'node:net'

/** Names of Docker Hub that images go by, and that nothing answers at. */
const hubNames: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io'])
const hubHost = 'registry-1.docker.io'

/**
 * Reads `registry_url`: `host[:port]`, also with `https://` or `http://` before it and a slash behind.
 * The answer is `host[:port]` in lower case, as it stands before the names of images. `problem` says,
 * behind the field's name, why it is none.
 */
export function parseRegistryHost(
  text: string,
  plainHttp: readonly string[],
): { ok: true; host: string } | { ok: false; problem: string } {
  const refuse = (problem: string) => ({ ok: false, problem }) as const
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase() ?? null
  if (scheme !== null && scheme !== 'https' && scheme !== 'http') {
    return refuse('must be host[:port], or begin with https://')
  }
  const url = scheme === null ? `https://${text}` : text
  if (!URL.canParse(url)) return refuse('must be host[:port]')
  const { host, hostname, port, username, password, pathname, search, hash } = new URL(url)
  if (username !== '' || password !== '') {
    return refuse('must not hold a user name or password; those belong into a credential')
  }
  if (pathname !== '/' || search !== '' || hash !== '') {
    return refuse('must be host[:port] and nothing more; a path belongs into namespace')
  }
  if (!/^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)$/.test(hostname)) {
    return refuse('must be host[:port]')
  }
  // An image's name begins with a host only where that looks like one: else it would go to Docker Hub.
  if (!/[.:]/.test(host) && host !== 'localhost') {
    return refuse('must have a dot, a port, or be localhost: an image’s name tells a host by that')
  }
  if (scheme === 'http' && !isPlain(host, plainHttp)) {
    return refuse(
      'must begin with https://: plain HTTP is for this machine, and for what OCI_PLAIN_HTTP names',
    )
  }
  const isHub = hubNames.has(hostname) || hostname === hubHost
  return { ok: true, host: isHub && port === '' ? 'docker.io' : host }
}

/** Where the API of a registry is, for its `host[:port]`. */
export function registryOrigin(host: string, plainHttp: readonly string[]): string {
  if (hubNames.has(host)) return `https://${hubHost}`
  return `${isPlain(host, plainHttp) ? 'http' : 'https'}://${host}`
}

/**
 * Whether what a credential says to be for, a URL or a host, is this registry, or the part of it that the
 * namespace is in.
 */
export function isForRegistry(
  credentialUrl: string,
  registry: { host: string; namespace: string | null },
): boolean {
  const url = /^https?:\/\//i.test(credentialUrl) ? credentialUrl : `https://${credentialUrl}`
  if (!URL.canParse(url)) return false
  const { host, pathname } = new URL(url)
  const hostOf = (name: string) => (hubNames.has(name) ? hubHost : name)
  if (hostOf(host) !== hostOf(registry.host)) return false
  const parts = pathname.split('/').filter((part) => part !== '')
  // Some write the path of the protocol behind the host.
  if (parts.length === 1 && /^v[12]$/.test(parts[0] ?? '')) return true
  const own = (registry.namespace ?? '').split('/')
  return parts.every((part, index) => own[index] === part)
}

function isPlain(host: string, plainHttp: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '')
  const isHere =
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    (isIP(name) === 4 && name.startsWith('127.'))
  return isHere || plainHttp.includes(host)
}
