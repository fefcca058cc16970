import { Agent as PlainAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent, request as requestHttps } from 'node:https'
import { AppError } from '../errors.ts'
import { createBackOff } from './back-off.ts'
import type { ClusterAccess, ClusterCredentials } from './cluster-access.ts'
import { KubernetesRefusal, refusalOf } from './kubernetes-refusal.ts'
import { readWhole } from './read-whole.ts'
import type { Resource } from './resources.ts'

/** Milliseconds that the server has to begin an answer, where nobody says otherwise. */
const defaultAnswerMs = 30_000
/** Milliseconds for which credentials are taken for the current ones. */
const credentialMs = 10_000
/** Milliseconds after which a silent connection is asked whether the other end is still there. */
const keepAliveMs = 15_000
/** Connections for short requests, at once. */
const maxConnections = 32

export interface KubernetesRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  resource: Resource
  /** Of one object; null: of all. */
  name?: string | null
  /** Such as `log` of a pod. */
  part?: string
  /** Undefined: left out. */
  query?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON; of a PATCH as a merge patch (RFC 7386). */
  body?: unknown
  /** Milliseconds until the answer begins, and of silence in what is read whole. Default 30,000. */
  answerMs?: number
  /**
   * Milliseconds for which the request is repeated while the server is away, overloaded or says that it
   * should be (429, 5xx). A POST that is repeated may find that it was done: 409. Default 0.
   */
  patienceMs?: number
}

/**
 * An API server of Kubernetes (https://kubernetes.io/docs/reference/using-api/), in one namespace. It is our
 * own, like the client of Docker engines: the official package has 72 MB in 68 packages and takes 75 MB of
 * memory, for the ten requests that are made here.
 *
 * Every call rejects with AppError `unavailable` when the server cannot be reached or breaks off, with a
 * `KubernetesRefusal` when it refuses, and with the reason of `signal` when that aborts: the connection is
 * closed then.
 */
export interface Kubernetes {
  /** For messages. */
  readonly address: string
  readonly namespace: string
  /** The answer as JSON; at most 64 MiB. */
  json<T>(asked: KubernetesRequest, signal: AbortSignal): Promise<T>
  /** The answer as it comes, on a connection of its own; to be consumed or destroyed. */
  stream(asked: KubernetesRequest, signal: AbortSignal): Promise<IncomingMessage>
  /** Rejects where the server does not answer. */
  check(signal: AbortSignal): Promise<void>
  /** Lets go of idle connections. */
  close(): void
}

/** Nothing is contacted before the first call. */
export function connectKubernetes(access: ClusterAccess, namespace: string): Kubernetes {
  const { url: address } = access
  const isTls = address.startsWith('https:')
  const pooled = { keepAlive: true, maxSockets: maxConnections }
  const agent = isTls ? new Agent(pooled) : new PlainAgent(pooled)
  let known: { credentials: ClusterCredentials; until: number } | null = null

  const credentials = async (): Promise<ClusterCredentials> => {
    if (known !== null && performance.now() < known.until) return known.credentials
    const read = await access.credentials()
    known = { credentials: read, until: performance.now() + credentialMs }
    return read
  }

  const away = (error: unknown): AppError => {
    // Its authority may have been replaced.
    known = null
    const why = error instanceof Error ? error.message : String(error)
    return new AppError('unavailable', `The Kubernetes API at ${address} cannot be used (${why})`)
  }

  const once = async (
    asked: { method: string; path: string; body?: unknown; answerMs?: number },
    isOwn: boolean,
    signal: AbortSignal,
  ): Promise<IncomingMessage> => {
    const { ca, token, client, serverName } = await credentials()
    signal.throwIfAborted()
    const { answerMs = defaultAnswerMs } = asked
    const body = asked.body === undefined ? null : Buffer.from(JSON.stringify(asked.body))
    const type = asked.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    return new Promise((resolve, reject) => {
      const opened = (isTls ? requestHttps : requestHttp)(`${address}${asked.path}`, {
        method: asked.method,
        agent: isOwn ? false : agent,
        headers: {
          accept: 'application/json, */*',
          'user-agent': 'slipway',
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === null ? {} : { 'content-type': type, 'content-length': body.length }),
        },
        ...(ca === null ? {} : { ca }),
        ...client,
        ...(serverName === null ? {} : { servername: serverName }),
      })
      const late = setTimeout(
        () => opened.destroy(new Error(`no answer within ${answerMs} ms`)),
        answerMs,
      )
      const stop = () => opened.destroy(new Error('stopped'))
      signal.addEventListener('abort', stop, { once: true })
      opened.once('close', () => {
        clearTimeout(late)
        signal.removeEventListener('abort', stop)
      })
      opened.on('socket', (socket) => socket.setKeepAlive(true, keepAliveMs))
      opened.on('error', reject)
      opened.once('response', (answer) => {
        clearTimeout(late)
        resolve(answer)
      })
      opened.end(body)
    })
  }

  const attempt = async (
    asked: { method: string; path: string; body?: unknown; answerMs?: number },
    isOwn: boolean,
    signal: AbortSignal,
  ): Promise<IncomingMessage> => {
    try {
      let answer = await once(asked, isOwn, signal)
      if (answer.statusCode === 401 && known !== null) {
        // The token was replaced: the file has the new one before the old one expires.
        answer.resume()
        known = null
        answer = await once(asked, isOwn, signal)
      }
      if ((answer.statusCode ?? 500) < 300) return answer
      throw await refusalOf(answer, asked.answerMs ?? defaultAnswerMs)
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof KubernetesRefusal || error instanceof AppError ? error : away(error)
    }
  }

  const patiently = async <T>(
    patienceMs: number,
    signal: AbortSignal,
    act: () => Promise<T>,
  ): Promise<T> => {
    const until = performance.now() + patienceMs
    const back = createBackOff()
    for (;;) {
      try {
        return await act()
      } catch (error) {
        const left = until - performance.now()
        if (left <= 0 || !isPassing(error)) throw error
        const told = error instanceof KubernetesRefusal ? error.retryAfterMs : null
        await back.pause(signal, Math.min(told ?? 0, left))
      }
    }
  }

  const pathOf = ({ resource, name = null, part, query = {} }: KubernetesRequest): string => {
    const given = new URLSearchParams()
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) given.append(key, value)
    }
    const one = name === null ? '' : `/${encodeURIComponent(name)}`
    const below = part === undefined ? '' : `/${part}`
    const search = given.size === 0 ? '' : `?${given.toString()}`
    const { api, plural } = resource
    return `/${api}/namespaces/${encodeURIComponent(namespace)}/${plural}${one}${below}${search}`
  }

  return {
    address,
    namespace,
    json: async <T>(asked: KubernetesRequest, signal: AbortSignal) =>
      patiently(asked.patienceMs ?? 0, signal, async () => {
        const answer = await attempt({ ...asked, path: pathOf(asked) }, false, signal)
        try {
          const silenceMs = asked.answerMs ?? defaultAnswerMs
          return JSON.parse((await readWhole(answer, { silenceMs })).toString()) as T
        } catch (error) {
          signal.throwIfAborted()
          throw away(error)
        }
      }),
    stream: async (asked, signal) =>
      patiently(asked.patienceMs ?? 0, signal, async () => {
        const answer = await attempt({ ...asked, path: pathOf(asked) }, true, signal)
        const stop = () => answer.destroy()
        signal.addEventListener('abort', stop, { once: true })
        answer.once('close', () => signal.removeEventListener('abort', stop))
        return answer
      }),
    async check(signal) {
      const answer = await attempt({ method: 'GET', path: '/readyz' }, false, signal)
      answer.resume()
    },
    close: () => agent.destroy(),
  }
}

/** It may go well the next time: the server is away, has too much to do, or is just starting. */
function isPassing(error: unknown): boolean {
  if (error instanceof KubernetesRefusal) return error.status === 429 || error.status >= 500
  return error instanceof AppError && error.code === 'unavailable'
}
