import { isIP } from 'node:net'
import { AppError } from '../../../errors.ts'
import { isOciName } from '../../../oci/index.ts'

/** Names of a registry that stand in its images' names, and that nothing answers at. */
const otherNames: Readonly<Record<string, string>> = {
  'docker.io': 'registry-1.docker.io',
  'index.docker.io': 'registry-1.docker.io',
}

/** Where a registry is, made of `host[:port][/prefix]`. */
export interface RegistryAddress {
  /** As it was given: what stands before a repository in a URI. */
  base: string
  /** With the scheme that it is spoken to by, such as `https://registry.example.test:5000`. */
  origin: string
  /** Of every repository in it: empty, or with a slash at its end. */
  prefix: string
}

/**
 * Reads an address. Plain HTTP is for loopback hosts and those in `plainHttp` (`host[:port]`), everything
 * else is spoken to by HTTPS. AppError `invalid_request` when it is no such address.
 */
export function parseRegistryAddress(
  text: string,
  plainHttp: readonly string[] = [],
): RegistryAddress {
  const [given = '', ...rest] = text.split('/')
  const host = otherNames[given] ?? given
  const prefix = rest.join('/')
  const url = URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : null
  const isHost =
    url !== null && /^[A-Za-z0-9.:[\]-]+$/.test(host) && url.pathname === '/' && !host.endsWith(':')
  if (!isHost || (rest.length > 0 && !isOciName(prefix))) {
    throw new AppError(
      'invalid_request',
      `${JSON.stringify(text.slice(0, 200))} is not a registry: write host[:port][/prefix], without a scheme`,
    )
  }
  const isPlain = isLoopback(url.hostname) || plainHttp.includes(host)
  return {
    base: text,
    origin: new URL(`${isPlain ? 'http' : 'https'}://${host}`).origin,
    prefix: prefix === '' ? '' : `${prefix}/`,
  }
}

/** Whether nothing that is sent to a host leaves this machine. */
export function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]')
    return true
  return isIP(hostname) === 4 && hostname.startsWith('127.')
}
