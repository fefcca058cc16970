import { isIP } from 'node:net'

/** Where a Docker engine listens. */
export type DockerHost =
  | { kind: 'unix'; socketPath: string }
  /** Port null: Docker's own, which is another one with TLS. */
  | { kind: 'tcp'; host: string; port: number | null }

/** A path longer than this cannot be connected to (sockaddr_un of Linux). */
const maxSocketPath = 107

/**
 * Reads what DOCKER_HOST says: `unix:///path` or `tcp://host[:port]`. `problem` says, behind the
 * setting's name, why it is neither.
 */
export function parseDockerHost(
  text: string,
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
  // The port of http is left out of a URL.
  const given = /:(\d+)\/?$/.exec(text)?.[1] ?? port
  return { ok: true, host: { kind: 'tcp', host, port: given === '' ? null : Number(given) } }
}

/** As DOCKER_HOST says it. */
export function describeDockerHost(host: DockerHost): string {
  if (host.kind === 'unix') return `unix://${host.socketPath}`
  const name = isIP(host.host) === 6 ? `[${host.host}]` : host.host
  return `tcp://${name}${host.port === null ? '' : `:${host.port}`}`
}
