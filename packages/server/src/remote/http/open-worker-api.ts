import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { Readable } from 'node:stream'
import type { WorkerApi, WorkerApiAnswer } from '../../ports/worker-api.ts'
import type { WorkerToken } from './worker-token.ts'

/** Milliseconds until a server that does not take a connection is taken for away. */
const connectMs = 10_000
/** Milliseconds after which the system looks whether a silent connection is one still. */
const keepAliveMs = 15_000

/** The API below a server's URL, over connections that are kept. */
export interface OpenedWorkerApi extends WorkerApi {
  /** Ends all connections; what is under way rejects. */
  close(): void
}

/** Nothing is sent before something is asked. */
export function openWorkerApi(input: {
  /** http or https, perhaps with a path; without a slash at its end. */
  url: string
  token: Pick<WorkerToken, 'current'>
  /** Of this program. */
  version: string
}): OpenedWorkerApi {
  const base = new URL(input.url)
  const isSecure = base.protocol === 'https:'
  const options = { keepAlive: true, keepAliveMsecs: keepAliveMs, scheduling: 'lifo' } as const
  const agent = isSecure ? new HttpsAgent(options) : new HttpAgent(options)
  const send = isSecure ? requestHttps : requestHttp
  const prefix = base.pathname.replace(/\/$/, '')

  return {
    request(method, path, { body, headers, signal } = {}) {
      return new Promise<WorkerApiAnswer>((resolve, reject) => {
        const asked = send(
          {
            agent,
            protocol: base.protocol,
            hostname: base.hostname.replace(/^\[|\]$/g, ''),
            port: base.port === '' ? (isSecure ? 443 : 80) : Number(base.port),
            method,
            path: prefix + path,
            headers: {
              accept: 'application/json',
              ...headers,
              authorization: `Bearer ${input.token.current()}`,
              'user-agent': `slipway-worker/${input.version}`,
              ...lengthOf(method, body),
            },
            ...(signal === undefined ? {} : { signal }),
          },
          (answer) => resolve(toAnswer(answer)),
        )
        asked.on('error', reject)
        limitConnecting(asked)
        if (body instanceof Readable) {
          body.once('error', (error) => asked.destroy(error))
          body.pipe(asked)
        } else asked.end(body)
      })
    },
    close: () => agent.destroy(),
  }
}

/** One that is known spares the server to put chunks together, and a POST of nothing has length 0. */
function lengthOf(method: string, body: Buffer | Readable | undefined): Record<string, string> {
  if (body instanceof Readable) return {}
  if (body !== undefined) return { 'content-length': String(body.length) }
  return method === 'GET' || method === 'HEAD' ? {} : { 'content-length': '0' }
}

/** A machine that answers nothing at all would hold a request for minutes. */
function limitConnecting(asked: ClientRequest): void {
  asked.once('socket', (socket) => {
    if (!socket.connecting) return
    const timer = setTimeout(() => {
      const error: NodeJS.ErrnoException = new Error(`no connection within ${connectMs} ms`)
      asked.destroy(Object.assign(error, { code: 'ETIMEDOUT', syscall: 'connect' }))
    }, connectMs)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.setKeepAlive(true, keepAliveMs)
    })
    socket.once('close', () => clearTimeout(timer))
  })
}

function toAnswer(answer: IncomingMessage): WorkerApiAnswer {
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  )
  return { status: answer.statusCode ?? 0, headers, body: answer }
}
