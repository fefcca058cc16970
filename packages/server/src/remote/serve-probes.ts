import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StartupError } from '../errors.ts'
import type { WorkerMetrics } from '../metrics/index.ts'

/** Where machines ask a worker how it is. */
export interface Probes {
  readonly port: number
  /** Ends at once; repeating is harmless. */
  close(): Promise<void>
}

/** What a worker says of itself. */
export interface WorkerHealth {
  /** Why it is not well; null: it is. */
  problem(): string | null
  /** Whether it takes no new jobs. */
  draining(): boolean
  /** Jobs in hand. */
  active(): number
}

/**
 * Answers `/metrics`, `/healthz` and `/livez`, and nothing else, to whoever reaches the port. `StartupError`
 * where it cannot be listened on.
 */
export async function serveProbes(
  deps: { metrics: Pick<WorkerMetrics, 'scrape' | 'contentType'>; health: WorkerHealth },
  at: { host: string; port: number },
): Promise<Probes> {
  const server = createServer(
    { requestTimeout: 10_000, keepAliveTimeout: 5_000 },
    (asked, answer) => {
      void respond(deps, asked, answer).catch(() => answer.destroy())
    },
  )
  server.maxConnections = 32
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new StartupError(`SLIPWAY_WORKER_PORT cannot be listened on: ${error.message}`)),
    )
    server.listen(at, resolve)
  })
  server.on('error', () => undefined)
  const { port } = server.address() as AddressInfo
  let closed: Promise<void> | undefined
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port, close: () => (closed ??= close()) }
}

async function respond(
  { metrics, health }: Parameters<typeof serveProbes>[0],
  { method, url = '' }: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const [path] = url.split('?')
  answer.setHeader('cache-control', 'no-store')
  if (method !== 'GET' && method !== 'HEAD') return void answer.writeHead(405).end()
  const sendJson = (status: number, body: object) =>
    void answer
      .writeHead(status, { 'content-type': 'application/json' })
      .end(method === 'HEAD' ? undefined : JSON.stringify(body))
  switch (path) {
    case '/metrics': {
      const text = await metrics.scrape()
      answer.writeHead(200, { 'content-type': metrics.contentType })
      return void answer.end(method === 'HEAD' ? undefined : text)
    }
    case '/livez':
      return sendJson(200, { status: 'ok' })
    case '/healthz': {
      const problem = health.problem()
      const status = problem === null ? (health.draining() ? 'draining' : 'ok') : 'unhealthy'
      return sendJson(problem === null ? 200 : 503, {
        status,
        active: health.active(),
        ...(problem === null ? {} : { problem }),
      })
    }
    default:
      return sendJson(404, { error: 'There is only /metrics, /healthz and /livez' })
  }
}
