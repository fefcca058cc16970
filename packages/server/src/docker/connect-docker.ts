import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type DockerHost, describeDockerHost } from '../config/docker-host.ts'
import { AppError } from '../errors.ts'
import { readWhole } from './read-whole.ts'

/** The newest version of the API that is spoken; an older engine is spoken to in its own. */
const newestApi = '1.47'
/** Of Docker 18.09 (November 2018). */
const oldestApi = '1.39'
/** Milliseconds that an engine has to begin an answer, where nobody says otherwise. */
const defaultAnswerMs = 30_000
/** Milliseconds after which a silent connection is asked whether the other end is still there. */
const keepAliveMs = 30_000
/** Of engines that listen on TCP, where DOCKER_HOST names none. */
const plainPort = 2375
const tlsPort = 2376
const maxErrorBytes = 64 * 1024

export interface DockerOptions {
  host: DockerHost
  /** PEM. With these TCP is spoken with TLS, and both ends prove who they are. */
  tls?: { ca: Buffer; cert: Buffer; key: Buffer } | null
}

export interface DockerRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Below the version, such as `/images/json`; every part of it encoded. */
  path: string
  /** Undefined: left out. */
  query?: Readonly<Record<string, string | undefined>>
  headers?: Readonly<Record<string, string>>
  /** Destroyed on every path. */
  body?: Readable | null
  /** Milliseconds until the answer begins; null: as long as it takes. Default 30,000. */
  answerMs?: number | null
}

/** The engine refuses, with the status and the words of its answer. */
export class DockerRefusal extends Error {
  override readonly name = 'DockerRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * A Docker engine by its API (https://docs.docker.com/reference/api/engine/): images now, containers in
 * the same way. Holds no connection between calls; any number of them may be in hand.
 *
 * Every call rejects with AppError `unavailable` when the engine cannot be reached or breaks off, with
 * a `DockerRefusal` when it refuses, and with the reason of `signal` when that aborts: the connection
 * is closed then, which ends what the engine does for it.
 */
export interface Docker {
  /** As DOCKER_HOST says it, for messages. */
  readonly address: string
  /** The answer of a request that succeeds. Its body must be consumed or destroyed. */
  send(request: DockerRequest, signal: AbortSignal): Promise<IncomingMessage>
  /** The whole answer, as JSON; null where it is empty. At most 64 MiB. */
  json<T>(request: DockerRequest, signal: AbortSignal): Promise<T>
  /** Asks for another protocol on this connection and answers it; to be destroyed by the caller. */
  upgrade(request: DockerRequest & { protocol: string }, signal: AbortSignal): Promise<Duplex>
  /** The version of the API that both speak. */
  version(signal: AbortSignal): Promise<string>
}

/** Nothing is contacted before the first call. */
export function connectDocker(options: DockerOptions): Docker {
  const { host, tls = null } = options
  const address = describeDockerHost(host)
  const request = host.kind === 'tcp' && tls !== null ? requestHttps : requestHttp
  const target =
    host.kind === 'unix'
      ? { socketPath: host.socketPath }
      : { host: host.host, port: host.port ?? (tls === null ? plainPort : tlsPort), ...tls }
  // With TLS, the certificate has to be for this name: of TCP, it is the host's own.
  const hostHeader = host.kind === 'unix' ? { host: 'docker' } : {}
  let spoken: string | null = null

  function away(error: unknown): AppError {
    spoken = null
    const why = error instanceof Error ? error.message : String(error)
    return new AppError(
      'unavailable',
      `The Docker engine at ${address} cannot be used (${why}): start one there, or say by DOCKER_HOST where it is`,
    )
  }

  function open(path: string, asked: DockerRequest, signal: AbortSignal): ClientRequest {
    const opened = request({
      ...target,
      method: asked.method,
      path,
      headers: { ...hostHeader, 'user-agent': 'slipway', ...asked.headers },
      // One connection for each request: what ends with it ends nothing else.
      agent: false,
    })
    opened.on('socket', (socket) => socket.setKeepAlive(true, keepAliveMs))
    // Not by the option `signal`, which is forgotten when the request has been sent.
    const stop = () => opened.destroy(new Error('stopped'))
    signal.addEventListener('abort', stop, { once: true })
    opened.once('close', () => signal.removeEventListener('abort', stop))
    return opened
  }

  /** Runs `use` on a request; a failure is the engine's unless the caller or the body is why. */
  async function exchange<T>(
    asked: DockerRequest,
    signal: AbortSignal,
    use: (opened: ClientRequest) => Promise<T>,
    api?: string,
  ): Promise<T> {
    const { body = null, answerMs = defaultAnswerMs } = asked
    // A timer of its own: the limit is for the beginning of the answer, not for all of it.
    const late = new AbortController()
    const timer =
      answerMs === null
        ? undefined
        : setTimeout(() => late.abort(new Error(`no answer within ${answerMs} ms`)), answerMs)
    try {
      signal.throwIfAborted()
      const prefix = api ?? `/v${await version(signal)}`
      const path = `${prefix}${asked.path}${queryOf(asked.query)}`
      const opened = open(path, asked, AbortSignal.any([signal, late.signal]))
      // Beside the listener of whoever waits: what comes after the answer is told by its body.
      opened.on('error', () => {})
      const answer = use(opened)
      answer.catch(() => {})
      if (body === null) opened.end()
      else await sendBody(body, opened, answer)
      return await answer
    } catch (error) {
      signal.throwIfAborted()
      const isTold = error instanceof DockerRefusal || error instanceof AppError
      if (isTold || (body !== null && error === body.errored)) throw error
      throw away(late.signal.aborted ? late.signal.reason : error)
    } finally {
      clearTimeout(timer)
      body?.destroy()
    }
  }

  async function send(
    asked: DockerRequest,
    signal: AbortSignal,
    api?: string,
  ): Promise<IncomingMessage> {
    const answer = await exchange(asked, signal, answerOf, api)
    const { statusCode = 0 } = answer
    if (statusCode < 300) return answer
    throw new DockerRefusal(statusCode, await messageOf(answer))
  }

  async function version(signal: AbortSignal): Promise<string> {
    if (spoken !== null) return spoken
    const ping = await send({ method: 'GET', path: '/_ping' }, signal, '')
    ping.resume()
    const offered = String(ping.headers['api-version'] ?? '')
    if (!/^\d+\.\d+$/.test(offered)) throw away(new Error('it does not answer as Docker does'))
    if (compareVersions(offered, oldestApi) < 0) {
      throw new AppError(
        'unavailable',
        `The Docker engine at ${address} speaks version ${offered} of the API; ${oldestApi} (Docker 18.09) is the oldest that can be used`,
      )
    }
    spoken = compareVersions(offered, newestApi) < 0 ? offered : newestApi
    return spoken
  }

  return {
    address,
    send: (asked, signal) => send(asked, signal),
    version,

    async json<T>(asked: DockerRequest, signal: AbortSignal): Promise<T> {
      const answer = await send(asked, signal)
      try {
        const text = (await readWhole(answer)).toString()
        return (text === '' ? null : JSON.parse(text)) as T
      } catch (error) {
        signal.throwIfAborted()
        throw away(error)
      }
    },

    upgrade: (asked, signal) =>
      exchange(
        {
          ...asked,
          headers: { ...asked.headers, connection: 'Upgrade', upgrade: asked.protocol },
        },
        signal,
        upgradeOf,
      ),
  }
}

/** `1.9` is older than `1.41`. */
function compareVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number)
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number)
  return aMajor - bMajor || aMinor - bMinor
}

function answerOf(opened: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    opened.once('response', resolve)
    opened.once('error', reject)
  })
}

function upgradeOf(opened: ClientRequest): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    opened.once('upgrade', (_, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    opened.once('response', (answer: IncomingMessage) => {
      messageOf(answer).then(
        (message) => reject(new DockerRefusal(answer.statusCode ?? 0, message)),
        reject,
      )
    })
    opened.once('error', reject)
  })
}

/** An engine may answer, and end the connection, before it has read everything: then the answer counts. */
async function sendBody(
  body: Readable,
  opened: ClientRequest,
  answer: Promise<unknown>,
): Promise<void> {
  try {
    await pipeline(body, opened)
  } catch (error) {
    if (error === body.errored) throw error
    await answer
  }
}

/** What the engine says of its refusal. */
async function messageOf(answer: IncomingMessage): Promise<string> {
  const text = (await readWhole(answer, maxErrorBytes)).toString()
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string' && message !== '') return message
  } catch {
    // Something else than Docker may answer: what it says is all there is.
  }
  return text.trim().slice(0, 500) || `status ${answer.statusCode}`
}

function queryOf(query: DockerRequest['query'] = {}): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) given.append(name, value)
  }
  return given.size === 0 ? '' : `?${given.toString()}`
}
