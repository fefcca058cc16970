import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import type { LookupAddress } from 'node:dns'
import { parseNetwork } from './ip-address.ts'
import { isWithin, whyNotPublic } from './judge-address.ts'

/** Why nothing is sent to a target; the message is for whoever owns the webhook. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused'
}

/** The name has no address just now, or nobody said so in time: trying later may help. */
export class TargetUnknown extends Error {
  override readonly name = 'TargetUnknown'
}

/** All addresses of a name; rejects when it has none. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

export interface TargetGuardOptions {
  /** Networks, addresses and host names that are let through although they are not public. */
  allowed: readonly string[]
  /** Default: as the system resolves names. */
  resolve?: Resolve
  /** Milliseconds for which an answer about a name is good. Default 10,000. */
  rememberMs?: number
}

/**
 * Keeps webhooks from reaching what only this server can reach.
 *
 * Concurrency: any number of checks at once; those of one name share a look-up.
 */
export interface TargetGuard {
  /** Reads a URL and looks at everything but its name's addresses. @throws TargetRefused */
  read(url: string): URL
  /**
   * The addresses of the URL's host, every one of them allowed. Connect to these and nothing else: asked
   * again, the name could answer otherwise. @throws TargetRefused, TargetUnknown
   */
  addresses(url: URL, signal: AbortSignal): Promise<readonly LookupAddress[]>
}

/** Where a line of text that somebody chose could mean something: mail, shells, chats. */
const deniedPorts = new Set([
  '7',
  '9',
  '19',
  '21',
  '22',
  '23',
  '25',
  '53',
  '110',
  '119',
  '143',
  '465',
  '514',
  '587',
  '993',
  '995',
  '2525',
  '6379',
  '6667',
  '6697',
  '11211',
])
const maxHosts = 1_000

export function createTargetGuard(options: TargetGuardOptions): TargetGuard {
  const { rememberMs = 10_000 } = options
  const resolve = options.resolve ?? ((host) => lookup(host, { all: true }))
  const networks = options.allowed.map(parseNetwork).filter((network) => network !== null)
  const hosts = new Set(options.allowed.map((entry) => entry.toLowerCase()))
  const remembered = new Map<string, { until: number; found: Promise<readonly LookupAddress[]> }>()

  const find = (host: string) => {
    const known = remembered.get(host)
    if (known !== undefined && known.until > performance.now()) return known.found
    // Until it is answered it is shared, however long that takes.
    const entry = { until: Number.POSITIVE_INFINITY, found: resolve(host) }
    const settle = () => void (entry.until = performance.now() + rememberMs)
    entry.found.then(settle, settle)
    remembered.delete(host)
    remembered.set(host, entry)
    const [oldest] = remembered.keys()
    if (remembered.size > maxHosts && oldest !== undefined) remembered.delete(oldest)
    return entry.found
  }

  const judge = (host: string, address: string) => {
    if (hosts.has(host) || isWithin(networks, address)) return
    const reason = whyNotPublic(address)
    if (reason === null) return
    const what = host === address ? address : `${host} has the address ${address}, which`
    throw new TargetRefused(`${what} is ${reason}; webhooks go to the public internet only`)
  }

  return {
    read(text) {
      if (!URL.canParse(text)) throw new TargetRefused('it is no URL')
      const url = new URL(text)
      if (url.protocol !== 'http:' && url.protocol !== 'https:') {
        throw new TargetRefused('it must begin with http:// or https://')
      }
      if (url.username !== '' || url.password !== '') {
        throw new TargetRefused('it may not hold credentials')
      }
      if (deniedPorts.has(url.port)) {
        throw new TargetRefused(`the port ${url.port} is not for webhooks`)
      }
      const host = hostOf(url)
      if (isIP(host) > 0) judge(host, host)
      return url
    },
    async addresses(url, signal) {
      const host = hostOf(url)
      const family = isIP(host)
      if (family > 0) {
        judge(host, host)
        return [{ address: host, family }]
      }
      const found = await orAbort(find(host), signal).catch((error: unknown) => {
        throw new TargetUnknown(`${host} cannot be resolved`, { cause: error })
      })
      if (found.length === 0) throw new TargetUnknown(`${host} has no address`)
      for (const { address } of found) judge(host, address)
      return found
    },
  }
}

/** The host as names and addresses are compared: without brackets, and without the dot of the root. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
}

/** Answers a connection's question for addresses with those that were checked. */
export function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, options, answer) => {
    const [first] = addresses
    if (first === undefined) answer(new Error('no address'), '')
    else if (options.all === true) answer(null, [...addresses])
    else answer(null, first.address, first.family)
  }
}

function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new Error('aborted', { cause: signal.reason }))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
