import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { type DockerHost, parseDockerHost } from './docker-host.ts'

/** Why a value is refused. The message never repeats the value of a secret. */
export class InvalidValue extends Error {
  override readonly name = 'InvalidValue'
}

/** Turns the text of a setting into its value, or throws `InvalidValue`. */
export type Parse<T> = (text: string) => T

export const anyText: Parse<string> = (text) => text

/** `true`, `false`, `1`, `0`, `yes`, `no`, in any case. */
export const boolean: Parse<boolean> = (text) => {
  const word = text.trim().toLowerCase()
  if (word === 'true' || word === '1' || word === 'yes') return true
  if (word === 'false' || word === '0' || word === 'no') return false
  throw new InvalidValue(`${quote(text)} is neither true nor false`)
}

/** A whole number of `minimum` to `maximum`, in decimal digits. */
export function integer(minimum: number, maximum: number): Parse<number> {
  return (text) => {
    const number = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN
    if (number >= minimum && number <= maximum) return number
    throw new InvalidValue(`${quote(text)} is not a whole number of ${minimum} to ${maximum}`)
  }
}

/** A positive number, fractions allowed. */
export const positiveNumber: Parse<number> = (text) => {
  const number = /^\d{1,9}(\.\d{1,6})?$/.test(text.trim()) ? Number(text) : 0
  if (number > 0) return number
  throw new InvalidValue(`${quote(text)} is not a number above 0`)
}

/** An IP address or a host name to listen on. */
export const host: Parse<string> = (text) => {
  if (isIP(text) > 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text)) return text
  throw new InvalidValue(`${quote(text)} is neither an IP address nor a host name`)
}

/** The least that is logged. */
export const logLevel: Parse<'debug' | 'info' | 'warn' | 'error'> = (text) => {
  const level = (['debug', 'info', 'warn', 'error'] as const).find(
    (known) => known === text.trim().toLowerCase(),
  )
  if (level !== undefined) return level
  throw new InvalidValue(`${quote(text)} is none of debug, info, warn, error`)
}

/** A TCP port; 0 lets the system choose one. */
export const port = integer(0, 65_535)

/** Ports separated by commas; an empty value means none. */
export const ports: Parse<readonly number[]> = (text) =>
  text.trim() === '' ? [] : [...new Set(text.split(',').map(integer(1, 65_535)))]

export const directory: Parse<string> = (text) => resolve(text)

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

/** Bytes: `1048576`, `256MiB`, `2GB`. */
export const bytes: Parse<number> = (text) => {
  const [, digits, unit = ''] = /^(\d{1,12})\s*([A-Za-z]{0,3})$/.exec(text.trim()) ?? []
  const size = Object.hasOwn(byteUnits, unit) ? Number(digits) * (byteUnits[unit] ?? 0) : 0
  if (size > 0 && Number.isSafeInteger(size)) return size
  throw new InvalidValue(`${quote(text)} is not a size such as 256MiB or 2GB`)
}

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds: `500ms`, `30s`, `10m`, `12h`, `90d`. */
export const duration: Parse<number> = (text) => {
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim()) ?? []
  const time = Number(digits) * (durationUnits[unit] ?? 0)
  if (time > 0 && Number.isSafeInteger(time)) return time
  throw new InvalidValue(`${quote(text)} is not a duration such as 30s, 12h or 90d`)
}

/** Milliseconds: a duration that a counter of requests lives for. */
export const rateWindow: Parse<number> = (text) => {
  const ms = duration(text)
  if (ms >= 1_000 && ms <= 86_400_000) return ms
  throw new InvalidValue('must be from 1s to 1d')
}

const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/

/** `name=value` pairs separated by commas, the values percent-encoded. They are never repeated. */
export const headerList: Parse<Readonly<Record<string, string>>> = (text) => {
  const pairs: Record<string, string> = {}
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at).trim()
    if (at < 1 || !headerName.test(name)) {
      throw new InvalidValue('must be name=value pairs separated by commas')
    }
    try {
      pairs[name] = decodeURIComponent(pair.slice(at + 1).trim())
    } catch {
      throw new InvalidValue(`the value of ${name} is not percent-encoded`)
    }
  }
  return pairs
}

/** The address clients use: http or https, no query, no credentials; without a slash at its end. */
export const publicUrl: Parse<string> = (text) => {
  const url = parseUrl(text, ['http:', 'https:'])
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidValue('a query or fragment has no meaning here')
  }
  return url.href.replace(/\/+$/, '')
}

/** Where Git repositories are: https, http, ssh or file; without a slash at its end. */
export const gitBaseUrl: Parse<string> = (text) => {
  const url = parseUrl(text, ['https:', 'http:', 'ssh:', 'file:'])
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidValue('a query or fragment has no meaning here')
  }
  return url.href.replace(/\/+$/, '')
}

/** A repository that everybody may be told of: its URL holds no login. */
export const repositoryUrl: Parse<string> = (text) => {
  const href = gitBaseUrl(text)
  const { username, password, protocol } = new URL(href)
  if (password !== '' || (username !== '' && protocol !== 'ssh:')) {
    throw new InvalidValue('must not hold a user name or password')
  }
  return href
}

/** A libpq connection URL. It may hold a password, so it is never repeated. */
export const databaseUrl: Parse<string> = (text) => {
  if (!URL.canParse(text) || !/^postgres(ql)?:$/.test(new URL(text).protocol)) {
    throw new InvalidValue('not a URL of the form postgres://user:password@host:port/database')
  }
  return text
}

/** At least 20 printable ASCII characters: it has to travel in an Authorization header. */
export const adminToken: Parse<string> = (text) => {
  if (!/^[\u0021-\u007e]+$/.test(text)) {
    throw new InvalidValue('may only hold printable ASCII characters, without spaces')
  }
  if (text.length < 20) throw new InvalidValue('must have at least 20 characters')
  return text
}

/** 32 bytes as 64 hexadecimal digits or as base64. */
export const masterKey: Parse<Buffer> = (text) => {
  const key = Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64')
  if (key.length === 32 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return key
  throw new InvalidValue('must be 32 bytes, as 64 hexadecimal digits or base64')
}

/** Master keys separated by commas. They are never repeated. */
export const masterKeys: Parse<readonly Buffer[]> = (text) =>
  text.split(',').map((key) => masterKey(key.trim()))

const addressGroups = new Set(['loopback', 'linklocal', 'uniquelocal'])

/** Whose X-Forwarded-* headers are believed: nobody's, everybody's, or those of the listed addresses. */
export const trustProxy: Parse<boolean | string[]> = (text) => {
  if (/^(true|false)$/i.test(text.trim())) return text.trim().toLowerCase() === 'true'
  const entries = text.split(',').map((entry) => entry.trim())
  for (const entry of entries) {
    if (!addressGroups.has(entry) && !isNetwork(entry)) {
      throw new InvalidValue(
        `${quote(entry)} is not true, false, an IP address, a network such as 10.0.0.0/8, or one of ` +
          [...addressGroups].join(', '),
      )
    }
  }
  return entries
}

/** Networks, addresses and host names, separated by commas; an empty value means none. */
export const networksAndHosts: Parse<readonly string[]> = (text) => {
  const entries = text.split(',').map((entry) => entry.trim())
  for (const entry of entries.filter(Boolean)) if (!isNetwork(entry)) host(entry)
  return entries.filter(Boolean)
}

/** `host[:port]` of a server. */
const serverHost = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/
const ociPath = /^[a-z0-9]+(?:(?:\.|_|__|-+|\/)[a-z0-9]+)*$/

/** An OCI registry: `host[:port][/prefix]`. */
export const ociRegistry: Parse<string> = (text) => {
  const [address = '', ...prefix] = text.split('/')
  if (serverHost.test(address) && (prefix.length === 0 || ociPath.test(prefix.join('/')))) {
    return text
  }
  throw new InvalidValue(`${quote(text)} is not host[:port][/prefix], without a scheme`)
}

/** `host[:port]`, separated by commas; an empty value means none. */
export const serverHosts: Parse<readonly string[]> = (text) => {
  const entries = text.split(',').map((entry) => entry.trim())
  for (const entry of entries.filter(Boolean)) {
    if (!serverHost.test(entry)) throw new InvalidValue(`${quote(entry)} is not host[:port]`)
  }
  return entries.filter(Boolean)
}

/** `unix:///path` or `tcp://host[:port]`. */
export const dockerHost: Parse<DockerHost> = (text) => {
  const parsed = parseDockerHost(text)
  if (parsed.ok) return parsed.host
  throw new InvalidValue(`${quote(text)} ${parsed.problem}`)
}

/** What RUN lines of a Dockerfile reach. */
export const buildNetwork: Parse<'default' | 'none'> = (text) => {
  if (text === 'default' || text === 'none') return text
  throw new InvalidValue(`${quote(text)} is neither default nor none`)
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  if (prefix === undefined) return true
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
}

function parseUrl(text: string, protocols: readonly string[]): URL {
  const forms = protocols.map((protocol) => `${protocol}//`).join(', ')
  if (!URL.canParse(text)) throw new InvalidValue(`not a URL; it begins with one of ${forms}`)
  const url = new URL(text)
  if (!protocols.includes(url.protocol)) {
    throw new InvalidValue(`a URL here begins with one of ${forms}, not ${url.protocol}//`)
  }
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'ssh:')) {
    throw new InvalidValue('credentials do not belong into this URL')
  }
  return url
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
