import { type GitRemote, parseRemoteUrl } from '../../../git/index.ts'

/** What a repository's own files refer to, as a remote; or in one sentence why that is not used. */
export type RelatedRemote = { ok: true; remote: GitRemote } | { ok: false; problem: string }

/**
 * Where a URL leads that stands in a repository: of a submodule, or of its large files. It may be
 * relative, as git resolves it. What opens the repository is used at the same protocol, host and port
 * alone. An SSH URL of the host that the repository was fetched from by HTTP is reached the same way; no
 * other SSH host is, since the only keys for it would be the server's own. `file:` is for repositories
 * that are themselves of this machine.
 */
export function relatedRemote(parent: GitRemote, url: string): RelatedRemote {
  const refuse = (problem: string) => ({ ok: false, problem }) as const
  const absolute = /^\.\.?(\/|$)/.test(url) ? resolveRelative(parent.url, url) : url
  if (absolute === null) return refuse(`${url} leads above the root of ${parent.url}`)
  const parsed = parseRemoteUrl(absolute)
  if (!parsed.ok) return refuse(`its URL ${parsed.problem}`)
  const { protocol } = parsed
  const [from, to] = [placeOf(parent.url), placeOf(absolute)]
  if (from.protocol === to.protocol && from.host === to.host && from.port === to.port) {
    return { ok: true, remote: { ...parent, url: absolute } }
  }
  if (protocol === 'file') {
    return refuse('file: URLs are for submodules of repositories that have one themselves')
  }
  if (protocol === 'ssh') {
    const isSameHost = from.host === to.host && to.port === '' && from.protocol.startsWith('http')
    if (!isSameHost) return refuse(`it is at ${to.host} by SSH, for which this build has no key`)
    return { ok: true, remote: { ...parent, url: byHttp(parent.url, absolute) } }
  }
  return { ok: true, remote: { url: absolute } }
}

function placeOf(url: string): { protocol: string; host: string; port: string } {
  if (url.includes('://')) {
    const { protocol, hostname, port } = new URL(url)
    return { protocol, host: hostname.toLowerCase(), port: port === '22' ? '' : port }
  }
  // Of `user@host:path`; the path may hold another "@".
  const [place = ''] = url.split(':', 1)
  const host = place.slice(place.indexOf('@') + 1)
  return { protocol: 'ssh:', host: host.toLowerCase(), port: '' }
}

/** The URL with which a submodule of `parent` begins that is given relative to it; null: there is none. */
function resolveRelative(parent: string, relative: string): string | null {
  const isUrl = parent.includes('://')
  const pathStart = isUrl ? parent.indexOf('/', parent.indexOf('://') + 3) : parent.indexOf(':') + 1
  const parts = parent
    .slice(pathStart)
    .split('/')
    .filter((part) => part !== '')
  for (const part of relative.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return null
  }
  if (parts.length === 0) return null
  const isAbsolute = parent.charAt(pathStart) === '/'
  return `${parent.slice(0, pathStart)}${isAbsolute ? '/' : ''}${parts.join('/')}`
}

/** The repository of an SSH URL, at the place that `parent` is at. */
function byHttp(parent: string, ssh: string): string {
  const path = ssh.includes('://') ? new URL(ssh).pathname : ssh.slice(ssh.indexOf(':') + 1)
  return `${new URL(parent).origin}/${path.replace(/^\/+/, '')}`
}
