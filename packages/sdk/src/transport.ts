import { defaultRetryPolicy, retryDelay, type RetryPolicy } from './retry-delay.ts'
import { errorFromResponse, retryAfterOf, SlipwayError } from './slipway-error.ts'
import { wait } from './wait.ts'

/** Settings of a client; only `baseUrl` is needed. */
export interface ClientOptions {
  /** Where the server answers, e.g. `http://127.0.0.1:3000`; a path in it is kept. */
  baseUrl: string
  /** Bearer token, or what gives one for each request. Without it, requests are anonymous. */
  token?: string | (() => string | Promise<string>) | undefined
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch
  /** Default: 3 retries, 200 ms doubling, at most 30 s, 2 min in all. A number sets the retries alone. */
  retries?: number | Partial<RetryPolicy>
  /** Longest wait for an answer's end, or for the head of a stream, in milliseconds. Default 30 s. */
  timeoutMs?: number
  /** A stream that is silent for so long is opened again, in milliseconds. Default 60 s. */
  idleMs?: number
  /** A stream that broke off gives up after so long without an answer, in milliseconds. Default 2 min. */
  reconnectMs?: number
  /** Sent with every request. */
  headers?: Record<string, string>
}

export type Query = Record<string, string | number | boolean | undefined>

export interface RequestInput {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base URL without a leading slash, or a whole URL. */
  path: string
  query?: Query
  body?: unknown
  /** Sent as multipart/form-data, in place of `body`. */
  form?: FormData
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
  /** Asking twice is asking once, although the method does not say so. */
  isRepeatable?: boolean
  /** Statuses that are an answer although they are not 2xx. */
  accept?: readonly number[]
}

/** What the parts of the client send their requests with. */
export interface Transport {
  /** Parsed JSON; undefined for an empty answer. */
  json(input: RequestInput): Promise<unknown>
  /** One try, the body unread: for streams, which retry in their own way. */
  open(input: RequestInput): Promise<Response>
  /** Where a request goes. */
  address(input: Pick<RequestInput, 'path' | 'query'>): URL
  /** The client's token at this moment; undefined: it has none. */
  token(): Promise<string | undefined>
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>
  readonly policy: RetryPolicy
  readonly timeoutMs: number
  readonly idleMs: number
  readonly reconnectMs: number
}

/** What a caller may pass to every request. */
export interface CallOptions {
  signal?: AbortSignal | undefined
}

export function createTransport(options: ClientOptions): Transport {
  const base = parseBase(options.baseUrl)
  const send = options.fetch ?? globalThis.fetch.bind(globalThis)
  const timeoutMs = options.timeoutMs ?? 30_000
  const retries =
    typeof options.retries === 'number' ? { retries: options.retries } : options.retries
  const policy = { ...defaultRetryPolicy, ...retries }

  async function tokenNow(): Promise<string | undefined> {
    const token = typeof options.token === 'function' ? await options.token() : options.token
    return token === '' ? undefined : token
  }

  async function authorization(url: URL): Promise<Record<string, string>> {
    // The token is for our server alone, whatever a link says.
    if (url.origin !== base.origin || url.searchParams.has('signature')) return {}
    const token = await tokenNow()
    return token === undefined ? {} : { authorization: `Bearer ${token}` }
  }

  async function once(input: RequestInput, signal: AbortSignal): Promise<Response> {
    const url = buildUrl(base, input)
    const init: RequestInit = {
      method: input.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...options.headers,
        ...(await authorization(url)),
        ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...input.headers,
      },
      signal,
      ...(input.form === undefined ? {} : { body: input.form }),
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
    }
    const response = await send(url, init)
    if (!response.ok && !input.accept?.includes(response.status)) {
      throw await errorFromResponse(response)
    }
    return response
  }

  async function attempt<T>(
    input: RequestInput,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), timeoutMs)
    const signal = input.signal ? AbortSignal.any([input.signal, deadline.signal]) : deadline.signal
    try {
      input.signal?.throwIfAborted()
      return await read(await once(input, signal))
    } catch (error) {
      input.signal?.throwIfAborted()
      if (error instanceof SlipwayError) throw error
      if (deadline.signal.aborted) {
        const message = `${base.origin} did not answer within ${timeoutMs} ms`
        throw new SlipwayError({ status: 0, code: 'timeout', message, cause: error })
      }
      if (error instanceof SyntaxError) {
        const message = 'The server answered with something that is not JSON'
        throw new SlipwayError({ status: 200, code: 'invalid_response', message, cause: error })
      }
      throw networkError(base.origin, error)
    } finally {
      // A stream's body outlives the wait for its head.
      clearTimeout(timer)
    }
  }

  return {
    address: (input) => buildUrl(base, input),
    token: tokenNow,
    headers: options.headers ?? {},
    policy,
    timeoutMs,
    idleMs: options.idleMs ?? 60_000,
    reconnectMs: options.reconnectMs ?? 120_000,
    open: (input) => attempt(input, (response) => Promise.resolve(response)),
    async json(input) {
      const begunAt = Date.now()
      for (let made = 0; ; made += 1) {
        try {
          return await attempt(input, readJson)
        } catch (error) {
          if (!(error instanceof SlipwayError)) throw error
          const retryAfter = retryAfterOf(error)
          const { method = 'GET', isRepeatable = false } = input
          const elapsedMs = Date.now() - begunAt
          const failed = { method, status: error.status, retryAfter, made, isRepeatable, elapsedMs }
          const delay = retryDelay(failed, policy)
          if (delay === null) throw error
          await wait(delay, input.signal)
        }
      }
    },
  }
}

function networkError(origin: string, error: unknown): SlipwayError {
  const message = `No answer from ${origin}: ${rootMessage(error)}`
  return new SlipwayError({ status: 0, code: 'network_error', message, cause: error })
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text()
  return text === '' ? undefined : JSON.parse(text)
}

function parseBase(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(`baseUrl is not an http or https URL: ${baseUrl}`)
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

function buildUrl(base: URL, input: Pick<RequestInput, 'path' | 'query'>): URL {
  const url = new URL(input.path, base)
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  return url
}

/** The innermost message says what happened; "fetch failed" does not. */
function rootMessage(error: unknown): string {
  let at: unknown = error
  for (let depth = 0; depth < 5 && at instanceof Error && at.cause instanceof Error; depth += 1)
    at = at.cause
  if (!(at instanceof Error)) return String(at)
  if (at.message) return at.message
  return 'code' in at ? String(at.code) : at.name
}
