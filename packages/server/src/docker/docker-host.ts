import { isIP } from 'node:net'

/** Where a Docker engine listens. */
export type DockerHost =
  | { kind: 'unix'; socketPath: string }
  /** `tls`: what DOCKER_CERT_PATH holds is used. */
  | { kind: 'tcp'; host: string; port: number }

/** A path longer than this cannot be connected to (sockaddr_un of Linux). */
const maxSocketPath = 107

/**
 * Reads what DOCKER_HOST says: `unix:///path` or `tcp://host[:port]` (default ports 2375, with TLS 2376).
 * `problem` says, behind the setting's name, why it is neither.
 */
export function parseDockerHost(
  text: string,
  options: { tls: boolean } = { tls: false },
): { ok: true; host: DockerHost } | { ok: false; problem: string } {
  const refuse = (problem: string) => ({ ok: false, problem }) as const
  if (text.startsWith('unix://')) {
    const socketPath = text.slice('unix://'.length)
    if (!socketPath.startsWith('/')) return refuse('must be unix:// and an absolute path')
    if (Buffer.byteLength(socketPath) > maxSocketPath || socketPath.includes('\0')) {
      return refuse(`must name a socket whose path has at most ${maxSocketPath} bytes`)
    }
    return { ok: true, host: { kind: 'unix', socketPath } }
  }
  if (!text.startsWith('tcp://')) {
    return refuse('must be unix:///path/of/docker.sock or tcp://host:port')
  }
  // As http://, so that the parts are told apart by the rules of URLs.
  const url = text.replace(/^tcp/, 'http')
  if (!URL.canParse(url)) return refuse('is not a valid address')
  const { hostname, port, username, password, pathname, search, hash } = new URL(url)
  const isBare = pathname === '/' && `${username}${password}${search}${hash}` === ''
  if (!isBare || hostname === '') return refuse('must be tcp://host:port and nothing more')
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const fallback = options.tls ? 2376 : 2375
  // The port of http is left out of a URL.
  const given = /:(\d+)\/?$/.exec(text)?.[1] ?? port
  return { ok: true, host: { kind: 'tcp', host, port: given === '' ? fallback : Number(given) } }
}

/** As it was said. */
export function describeDockerHost(host: DockerHost): string {
  if (host.kind === 'unix') return `unix://${host.socketPath}`
  return `tcp://${isIP(host.host) === 6 ? `[${host.host}]` : host.host}:${host.port}`
}
