import { setTimeout as sleep } from 'node:timers/promises'
import { Readable } from 'node:stream'
import { AppError } from '../../../errors.ts'
import type { Access, Authorizer } from './authorize.ts'
import { passing } from './passing.ts'
import { dropBody } from './read-body.ts'
import { type RegistryAddress, isLoopback } from './registry-address.ts'

export interface RegistryRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** A path of the registry, or where it said to go on. */
  url: string | URL
  access: Access
  headers?: Readonly<Record<string, string>>
  body?: RequestBody
  /** Milliseconds for one try, its answer included; streams have no such limit. */
  deadlineMs?: number
  /** Tries of one request; default 4. */
  tries?: number
}

export type RequestBody = Buffer | { size: number; open(): Promise<Readable> }

/** Talks to one registry. */
export interface RegistryClient {
  /**
   * Sends a request and answers whatever the registry says that is neither a refusal of the credential
   * (AppError `authorization_failed`) nor worth another try; in the end AppError `unavailable`.
   * The body of the answer must be read or dropped.
   */
  send(request: RegistryRequest, signal: AbortSignal): Promise<Response>
  /** Where an answer says to go on; AppError `unavailable` when it doesn't, or somewhere unsafe. */
  locationOf(response: Response, from: URL): URL
  urlOf(path: string): URL
}

const defaultTries = 4
const defaultDeadlineMs = 60_000
const maxRedirects = 5
const longestWaitMs = 30_000

export function createClient(options: {
  address: RegistryAddress
  authorizer: Authorizer
  plainHttp: readonly string[]
  /** Milliseconds before the second try; doubled for each further one. Default 250. */
  pauseMs?: number
}): RegistryClient {
  const { address, authorizer, plainHttp, pauseMs = 250 } = options
  const { origin, base } = address

  const isSafe = (url: URL) =>
    url.protocol === 'https:' ||
    (url.protocol === 'http:' &&
      (origin.startsWith('http:') || isLoopback(url.hostname) || plainHttp.includes(url.host)))

  function locationOf(response: Response, from: URL): URL {
    const location = response.headers.get('location') ?? ''
    if (location === '' || !URL.canParse(location, from.href)) {
      throw new AppError('unavailable', `The registry ${base} does not say where to go on`)
    }
    const url = new URL(location, from)
    // A proxy that ends TLS before the registry makes it name itself wrongly.
    if (
      origin.startsWith('https:') &&
      url.protocol === 'http:' &&
      url.host === new URL(origin).host
    ) {
      url.protocol = 'https:'
    }
    if (isSafe(url) && url.username === '' && url.password === '') return url
    throw new AppError('unavailable', `The registry ${base} leads to an unsafe place, ${url.host}`)
  }

  /** Follows redirects by itself: a credential is for the registry's own host. */
  async function fetchFollowing(
    request: RegistryRequest,
    authorization: string | null,
    signal: AbortSignal,
  ): Promise<Response> {
    let url = new URL(request.url, origin)
    for (let hops = 0; ; hops++) {
      const isOwn = url.origin === origin
      const response = await fetchOnce(request, url, isOwn ? authorization : null, signal)
      const isRedirect = [307, 308].includes(response.status)
      const isRead = request.method === 'GET' || request.method === 'HEAD'
      const leads = isRedirect || (isRead && [301, 302, 303].includes(response.status))
      if (!leads) return response
      await dropBody(response)
      if (hops === maxRedirects) {
        throw new AppError('unavailable', `The registry ${base} redirects without an end`)
      }
      url = locationOf(response, url)
    }
  }

  async function fetchAuthorized(request: RegistryRequest, signal: AbortSignal) {
    const { access } = request
    const known = authorizer.known(access)
    const response = await fetchFollowing(request, known, signal)
    if (response.status !== 401) return response
    const challenges = response.headers.get('www-authenticate')
    await dropBody(response)
    const learnt = await authorizer.learn(access, challenges, signal)
    if (learnt === known) throw authorizer.refused()
    const second = await fetchFollowing(request, learnt, signal)
    if (second.status !== 401) return second
    await dropBody(second)
    throw authorizer.refused()
  }

  return {
    locationOf,
    urlOf: (path) => new URL(path, origin),

    async send(request, signal) {
      const tries = request.tries ?? defaultTries
      for (let attempt = 1; ; attempt++) {
        const limit = withDeadline(request, signal)
        let wait: number | null
        try {
          const response = await fetchAuthorized(request, limit)
          if (!passing.has(response.status) || attempt === tries) return response
          wait = retryAfter(response)
          await dropBody(response)
        } catch (error) {
          signal.throwIfAborted()
          if (error instanceof AppError) throw error
          const cause = failureOf(error)
          if (cause instanceof AppError) throw cause
          if (attempt === tries) {
            throw new AppError(
              'unavailable',
              `The registry ${base} cannot be used: ${cause.message}`,
            )
          }
          wait = null
        }
        const pause = pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
        await sleep(Math.min(wait ?? pause, longestWaitMs), undefined, { signal })
      }
    },
  }
}

function withDeadline({ body, deadlineMs }: RegistryRequest, signal: AbortSignal): AbortSignal {
  const isStream = body !== undefined && !Buffer.isBuffer(body)
  if (isStream && deadlineMs === undefined) return signal
  return AbortSignal.any([signal, AbortSignal.timeout(deadlineMs ?? defaultDeadlineMs)])
}

async function fetchOnce(
  request: RegistryRequest,
  url: URL,
  authorization: string | null,
  signal: AbortSignal,
): Promise<Response> {
  const { method, body, headers } = request
  const stream = body === undefined || Buffer.isBuffer(body) ? null : await body.open()
  try {
    return await fetch(url, {
      method,
      signal,
      headers: {
        'user-agent': 'slipway',
        // Compressed on its way it would not be what its digest says.
        'accept-encoding': 'identity',
        ...headers,
        ...(authorization === null ? {} : { authorization }),
        ...lengthOf(method, body),
      },
      ...(stream === null
        ? { body: Buffer.isBuffer(body) ? new Uint8Array(body) : null, redirect: 'manual' }
        : { body: toWeb(stream), ...streaming }),
    })
  } catch (error) {
    // What went wrong with the content says more than that the request did.
    throw stream?.errored ?? error
  } finally {
    stream?.destroy()
  }
}

/**
 * Both are needed for a body that is sent once: otherwise Node keeps all of it in memory, to be sent
 * again after a redirect. Uploads go where the registry said, and are redirected nowhere.
 */
const streaming = { duplex: 'half', redirect: 'error', window: null } as const

/** Counted by bytes: by default Node counts chunks, and would take a whole blob into memory. */
function toWeb(stream: Readable): ReadableStream {
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: 256 * 1024 })
  return Readable.toWeb(stream, { strategy }) as ReadableStream
}

function lengthOf(method: string, body: RequestBody | undefined): Record<string, string> {
  if (body === undefined)
    return method === 'POST' || method === 'PUT' ? { 'content-length': '0' } : {}
  return { 'content-length': String(Buffer.isBuffer(body) ? body.length : body.size) }
}

/** Fetch hides the reason in a chain of causes. */
function failureOf(error: unknown): Error {
  let found = error instanceof Error ? error : new Error(String(error))
  while (found.cause instanceof Error) found = found.cause
  return found
}

/** Milliseconds that the registry asks to wait; null where it doesn't. */
function retryAfter({ headers }: Response): number | null {
  const seconds = headers.get('retry-after') ?? ''
  return /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : null
}
