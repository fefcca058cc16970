import { Readable } from 'node:stream'
import {
  PutWorkerLogQuery,
  SealWorkerLogQuery,
  workerFileLimits,
  WorkerLogQuery,
  WorkerLogState,
} from '@slipway/contract/worker-files'
import { WorkerParams } from '@slipway/contract/worker-api'
// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { AppError } from '../../../errors.ts'
import { requireOwnWorker } from '../../../jobs/index.ts'
import type { LogReceiver, ReceivedLog } from '../../../logs/index.ts'
import { cutStalled } from '../../cut-stalled.ts'
import type { WorkerRoutesDeps } from './workers.ts'

export interface WorkerLogRoutesDeps extends Pick<WorkerRoutesDeps, 'workerLedger'> {
  receivedLogs: LogReceiver
  /** Whether the log is that of a job which the worker holds, or held when it ended. */
  writesLog: (input: { workerId: string; key: string }) => Promise<boolean>
}

/** Milliseconds for which a worker that may write a log is not asked after. */
const knownMs = 2_000
const mostKnown = 10_000

type LogRequest = FastifyRequest<{ Params: WorkerParams; Querystring: WorkerLogQuery }>

/** Logs that a worker on another machine writes: it has the truth of them until they are sealed. */
export function workerLogRoutes(deps: WorkerLogRoutesDeps): FastifyPluginAsync {
  const { receivedLogs: logs } = deps
  const requireWriter = createWriterCheck(deps)
  return async (app) => {
    app.addContentTypeParser(
      'application/octet-stream',
      { parseAs: 'buffer', bodyLimit: workerFileLimits.pieceBytes },
      (_request, body, done) => done(null, body),
    )

    app.put<{ Params: WorkerParams; Querystring: PutWorkerLogQuery }>(
      '/workers/:id/logs',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          querystring: PutWorkerLogQuery,
          response: { 200: WorkerLogState },
        },
      },
      async (request) => {
        await requireWriter(request)
        const {
          key,
          offset,
          index_offset: indexOffset,
          index_bytes: length,
          writer,
        } = request.query
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        if (length > body.length) {
          throw new AppError('invalid_request', 'The body is shorter than its index_bytes')
        }
        const [index, data] = [body.subarray(0, length), body.subarray(length)]
        return toState(await logs.receive(key, { offset, indexOffset, index, data, writer }))
      },
    )

    app.get<{ Params: WorkerParams; Querystring: WorkerLogQuery }>(
      '/workers/:id/logs',
      {
        exposeHeadRoute: false,
        schema: { hide: true, params: WorkerParams, querystring: WorkerLogQuery },
      },
      async (request, reply) => {
        await requireWriter(request)
        const whole = await logs.openWhole(request.query.key)
        // 404 says that there is no such worker.
        if (whole === null) return reply.code(204).send()
        const body = Readable.from(whole.content(), { objectMode: false })
        body.once('close', () => void whole.close())
        cutStalled(reply)
        return reply
          .type('application/octet-stream')
          .header('x-slipway-bytes', whole.bytes)
          .header('x-slipway-index-bytes', whole.indexBytes)
          .header('content-length', whole.bytes + whole.indexBytes)
          .send(body)
      },
    )

    app.post<{ Params: WorkerParams; Querystring: SealWorkerLogQuery }>(
      '/workers/:id/logs/seal',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          querystring: SealWorkerLogQuery,
          response: { 200: WorkerLogState },
        },
      },
      async (request) => {
        await requireWriter(request)
        const { key, bytes, index_bytes: indexBytes } = request.query
        return toState(await logs.sealReceived(key, { bytes, indexBytes }))
      },
    )
  }
}

function toState({ bytes, indexBytes, sealed }: ReceivedLog): WorkerLogState {
  return { bytes, index_bytes: indexBytes, sealed }
}

/** Refuses whoever has not registered the worker, and workers whose log it is not. */
function createWriterCheck(
  deps: Pick<WorkerLogRoutesDeps, 'workerLedger' | 'writesLog'>,
): (request: LogRequest) => Promise<void> {
  const known = new Map<string, number>()
  return async ({ principal, params, query }) => {
    const who = JSON.stringify([principal.id, params.id, query.key])
    const now = performance.now()
    if ((known.get(who) ?? -Infinity) > now) return
    const workerId = params.id
    await requireOwnWorker(deps.workerLedger, { principal, workerId })
    if (!(await deps.writesLog({ workerId, key: query.key }))) {
      throw new AppError('resource_conflict', 'This is the log of no job that is this worker’s')
    }
    known.delete(who)
    known.set(who, now + knownMs)
    for (const [oldest, until] of known) {
      if (until > now && known.size <= mostKnown) break
      known.delete(oldest)
    }
  }
}
