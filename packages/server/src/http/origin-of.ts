import type { FastifyRequest } from 'fastify'

/**
 * Scheme and host by which a caller reached the server, as the proxies that are believed tell it.
 * Empty without a Host header (HTTP/1.0): links are paths then.
 */
export function originOf({ protocol, host }: FastifyRequest): string {
  return host === '' ? '' : `${protocol}://${host}`
}
