import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { StartupError } from '../errors.ts'
import { answerBrokenRequest } from './answer-broken-request.ts'
import { limitRequestTime } from './limit-request-time.ts'
import { upgradeOptions } from './upgrade-options.ts'

export interface ListenOptions {
  host: string
  /** 0: the system chooses. */
  port: number
  /** Further ports for the same application; one that cannot be had is a warning. */
  compatPorts: readonly number[]
  /** Milliseconds that a request may take to come, uploads of workers aside. Default 120,000. */
  requestMs?: number
  /** Milliseconds that answers under way, streams included, have to end when the server closes. Default 5,000. */
  graceMs?: number
}

export interface Listener {
  /** The port listened on. */
  readonly port: number
  /** The main address, as a URL without a slash at its end. */
  readonly url: string
  /** Every server there is, the main one first; sockets are upgraded on all of them. */
  readonly servers: readonly Server[]
  /**
   * Takes no new connections, ends the idle ones, gives answers under way their time, and then
   * ends them too. Resolves when every socket is closed; repeating is harmless.
   */
  close(): Promise<void>
}

/** Serves the application; rejects with a StartupError when the main port cannot be had. */
export async function listen(
  deps: { app: FastifyInstance; log: Logger },
  options: ListenOptions,
): Promise<Listener> {
  const { app, log } = deps
  const { host, graceMs = 5_000 } = options
  try {
    await app.listen({ host, port: options.port })
  } catch (error) {
    throw whyNot(error, { host, port: options.port })
  }
  const { port } = app.server.address() as AddressInfo
  const further = await Promise.all(
    options.compatPorts
      .filter((compatPort) => compatPort !== port)
      .map((compatPort) => listenFurther(app, log, { host, port: compatPort })),
  )
  const servers = [app.server, ...further.filter((server) => server !== null)]
  for (const server of servers) limitRequestTime(server, options.requestMs)

  async function close(): Promise<void> {
    const grace = setTimeout(() => {
      for (const server of servers) server.closeAllConnections()
    }, graceMs)
    try {
      await Promise.all([app.close(), ...servers.slice(1).map(closeServer)])
    } finally {
      clearTimeout(grace)
    }
  }
  let closed: Promise<void> | undefined
  return { port, url: urlOf(host, port), servers, close: () => (closed ??= close()) }
}

/** What the operator can do about it; the error itself where nobody can tell. */
function whyNot(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE:
      'the port is taken. Stop the program that listens on it, or set PORT to another one.',
    EACCES:
      'that is not allowed: ports below 1024 need privileges. Set PORT to one above, or allow it.',
    EADDRNOTAVAIL: 'this machine does not have that address. Set HOST to one that it has.',
    ENOTFOUND: 'there is no such name. Set HOST to an address of this machine.',
  }
  const reason = why[code]
  if (reason === undefined) return error
  return new StartupError(`Cannot listen on ${urlOf(host, port)} (${code}): ${reason}`)
}

async function listenFurther(
  app: FastifyInstance,
  log: Logger,
  at: { host: string; port: number },
): Promise<Server | null> {
  const server = createServer(upgradeOptions, (request, response) => app.routing(request, response))
  server.requestTimeout = app.server.requestTimeout
  server.keepAliveTimeout = app.server.keepAliveTimeout
  server.on('clientError', answerBrokenRequest)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(at, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    log.warn({ err: error, port: at.port }, 'A further port cannot be listened on')
    return null
  }
  return server
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
