import { signalPingMs, WorkerParams, type WorkerSignal } from '@slipway/contract/worker-api'
// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import { PassThrough } from 'node:stream'
import { gatherSignals, requireOwnWorker } from '../../../jobs/index.ts'
import { checkToken } from './check-token.ts'
import { openStreams } from './open-streams.ts'
import type { WorkerRoutesDeps } from './workers.ts'

export interface WorkerSignalRoutesDeps extends WorkerRoutesDeps {
  /** Aborts when the server begins to stop: every stream ends then. */
  signal: AbortSignal
}

const streamLimits = { perPrincipal: 2_000, total: 4_000 }
/** How often an open stream's token is asked after. */
const validityMs = 60_000
/** The longest that a reader may take nothing. */
const drainMs = 30_000

/** `GET /v1/workers/{id}/signals`: what a worker is told at once, for as long as it listens. */
export function workerSignalRoutes(deps: WorkerSignalRoutesDeps): FastifyPluginAsync {
  const open = openStreams(streamLimits)
  const { workerLedger: ledger, workerSignals: signals } = deps
  return async (app) => {
    app.get<{ Params: WorkerParams }>(
      '/workers/:id/signals',
      { exposeHeadRoute: false, schema: { hide: true, params: WorkerParams } },
      async (request, reply) => {
        const { principal, params } = request
        await requireOwnWorker(ledger, { principal, workerId: params.id })
        const release = open(principal.id)
        const body = new PassThrough()
        const gathered = gatherSignals()
        let waiting: NodeJS.Timeout | 'soon' | null = null

        const write = (signal: WorkerSignal) => body.write(`${JSON.stringify(signal)}\n`)
        const flush = () => {
          waiting = null
          if (body.destroyed || body.writableEnded) return
          let isTaken = true
          for (const signal of gathered.take()) isTaken = write(signal as WorkerSignal)
          if (isTaken) return
          // What comes until then is said as one.
          waiting = setTimeout(() => body.destroy(), drainMs)
          body.once('drain', () => {
            if (waiting !== null && waiting !== 'soon') clearTimeout(waiting)
            flush()
          })
        }
        const unfollow = signals.follow(params.id, (signal) => {
          gathered.add(signal)
          if (waiting !== null) return
          waiting = 'soon'
          setImmediate(flush)
        })
        const ping = setInterval(() => {
          if (!body.writableNeedDrain) write({ type: 'ping' })
        }, signalPingMs)
        const end = () => void body.end()
        const stopChecking = checkToken(request.stillValid, validityMs, end)
        deps.signal.addEventListener('abort', end)
        body.once('close', () => {
          unfollow()
          release()
          stopChecking()
          clearInterval(ping)
          if (waiting !== null && waiting !== 'soon') clearTimeout(waiting)
          deps.signal.removeEventListener('abort', end)
        })
        if (deps.signal.aborted) end()
        // At once, so that the other end knows that it listens.
        else write({ type: 'ping' })
        return reply
          .type('application/x-ndjson')
          .header('cache-control', 'no-store, no-transform')
          .header('x-accel-buffering', 'no')
          .send(body)
      },
    )
  }
}
