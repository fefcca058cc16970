import { withoutCredentials } from './git-error.ts'

/** Where a repository is, and how to get in. */
export interface GitRemote {
  /** https, http, ssh, file, or `user@host:path`; without a password. */
  url: string
  login?: GitLogin | null
  /** Lines of known_hosts(5), the only ones believed; null: those of the service's own user. */
  hostKeys?: string | null
  /** Whose it is: what was fetched with one credential is not there for who comes with another. */
  keptFor?: string | null
}

/** What a remote wants to see. */
export type GitLogin =
  | { kind: 'password'; username: string; password: string }
  | { kind: 'key'; privateKey: string; passphrase: string | null }

export const gitProtocols = ['https', 'http', 'ssh', 'file'] as const
export type GitProtocol = (typeof gitProtocols)[number]

/** `user@host:path`, as git and scp(1) write it; a host never looks like an option. */
const scpForm = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^:\s-][^\s]*$/

/** How git talks to a URL, or in one sentence why it is not one that is used here. */
export function parseRemoteUrl(
  url: string,
): { ok: true; protocol: GitProtocol } | { ok: false; problem: string } {
  const refuse = (problem: string) => ({ ok: false, problem }) as const
  if (/[\s\p{Cc}]/u.test(url)) return refuse('must not hold blanks or control characters')
  if (!url.includes('://')) {
    return scpForm.test(url)
      ? { ok: true, protocol: 'ssh' }
      : refuse('is neither a URL nor of the form user@host:path')
  }
  const protocol = gitProtocols.find((name) => url.toLowerCase().startsWith(`${name}://`))
  if (protocol === undefined) {
    return refuse(`must begin with ${gitProtocols.map((name) => `${name}://`).join(', ')}`)
  }
  if (!URL.canParse(url)) return refuse('is not a valid URL')
  const { hostname, username, password, search, hash, pathname } = new URL(url)
  if (password !== '' || (username !== '' && protocol !== 'ssh')) {
    return refuse('must not hold a user name or password; those belong into a credential')
  }
  if (search !== '' || hash !== '') return refuse('must not have a query or a fragment')
  if (protocol === 'file' && hostname !== '') return refuse('must not name a host (file:///path)')
  if (protocol !== 'file' && !/^(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*)$/i.test(hostname)) {
    return refuse('must name a host')
  }
  if (pathname.replaceAll('/', '') === '') return refuse('must name a repository')
  return { ok: true, protocol }
}

/** Its protocol; of a URL that `parseRemoteUrl` refuses, an error. */
export function protocolOf(url: string): GitProtocol {
  const parsed = parseRemoteUrl(url)
  if (parsed.ok) return parsed.protocol
  throw new Error(`${withoutCredentials(url)} ${parsed.problem}`)
}
