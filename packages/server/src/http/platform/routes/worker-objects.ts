import { Readable } from 'node:stream'
import { Cursor } from '@slipway/contract/fields'
import { WorkerObjectParams, workerFileLimits } from '@slipway/contract/worker-files'
// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { AppError } from '../../../errors.ts'
import { requireOwnWorker } from '../../../jobs/index.ts'
import { isObjectKey } from '../../../ports/object-key.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import { cutStalled } from '../../cut-stalled.ts'
import { checkDigest } from './check-digest.ts'
import type { WorkerRoutesDeps } from './workers.ts'

export interface WorkerObjectRoutesDeps extends Pick<WorkerRoutesDeps, 'workerLedger'> {
  objects: ObjectStore
  /** Whether a job in the worker's hands reads or makes the object, or what is below a prefix that ends in `/`. */
  touchesObject: (input: { workerId: string; key: string }) => Promise<boolean>
  /** Whether a job in the worker's hands reads the object, which is somebody else's. */
  readsObject: (input: { workerId: string; key: string }) => Promise<boolean>
  /** Aborts when the server begins to stop. */
  signal: AbortSignal
}

/** Uploads and downloads of this server at once. */
const mostAtOnce = 256
/** Milliseconds that one upload may take; the worker's own limit is the one that counts. */
const uploadMs = 8 * 86_400_000

const RangeQuery = Type.Object({
  start: Type.Optional(Cursor({ minimum: 0, description: 'First byte.' })),
  end: Type.Optional(Cursor({ minimum: 0, description: 'Last byte.' })),
})

type ObjectRequest = FastifyRequest<{ Params: WorkerObjectParams }>

/**
 * The object store for workers on other machines, who have no keys of it: what their jobs read and make, and
 * nothing else. Bodies are streams in both directions.
 */
export function workerObjectRoutes(deps: WorkerObjectRoutesDeps): FastifyPluginAsync {
  const { objects } = deps
  let atOnce = 0

  const begin = () => {
    if (atOnce >= mostAtOnce) throw new AppError('unavailable', 'Too many objects are on their way')
    atOnce += 1
    let hasEnded = false
    return () => {
      if (!hasEnded) atOnce -= 1
      hasEnded = true
    }
  }

  const requireKey = async (
    request: ObjectRequest,
    access: 'read' | 'write' | 'delete',
  ): Promise<string> => {
    const { principal, params } = request
    const { id: workerId, '*': key } = params
    await requireOwnWorker(deps.workerLedger, { principal, workerId })
    if (!isObjectKey(access === 'delete' ? key.replace(/\/$/, '') : key)) {
      throw new AppError('invalid_request', 'This can be the key of no object')
    }
    const may =
      (await deps.touchesObject({ workerId, key })) ||
      (access === 'read' && (await deps.readsObject({ workerId, key })))
    if (may) return key
    throw new AppError('authorization_failed', 'No job in this worker’s hands has this object')
  }

  return async (app) => {
    app.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body))
    const path = '/workers/:id/objects/*'

    app.put<{ Params: WorkerObjectParams }>(
      path,
      { schema: { hide: true, params: WorkerObjectParams } },
      async (request, reply) => {
        const key = await requireKey(request, 'write')
        const type = request.headers['x-slipway-type']
        const end = begin()
        const body = checkDigest(
          request.body instanceof Readable ? request.body : Readable.from([]),
          {
            mostBytes: workerFileLimits.objectBytes,
            signal: deps.signal,
          },
        )
        try {
          await objects.put(key, body, {
            timeoutMs: uploadMs,
            ...(typeof type === 'string' && /^[\u0020-\u007e]{1,200}$/.test(type)
              ? { contentType: type }
              : {}),
          })
        } finally {
          end()
          request.raw.resume()
        }
        return reply.code(204).send()
      },
    )

    app.get<{ Params: WorkerObjectParams; Querystring: Static<typeof RangeQuery> }>(
      path,
      {
        exposeHeadRoute: false,
        schema: { hide: true, params: WorkerObjectParams, querystring: RangeQuery },
      },
      async (request, reply) => {
        const key = await requireKey(request, 'read')
        const { start = 0, end: last } = request.query
        const end = begin()
        try {
          const range = last === undefined ? { start } : { start, end: last }
          const body = await objects.get(key, range)
          if (body === null) throw missing()
          body.once('close', end)
          cutStalled(reply)
          // Without a length: the object may be replaced meanwhile, and what is cut off is seen all the same.
          return await reply.type('application/octet-stream').send(body)
        } catch (error) {
          end()
          throw error
        }
      },
    )

    app.head<{ Params: WorkerObjectParams }>(
      path,
      { schema: { hide: true, params: WorkerObjectParams } },
      async (request, reply) => {
        const found = await objects.head(await requireKey(request, 'read'))
        if (found === null) throw missing()
        return reply
          .header('x-slipway-size', found.size)
          .header('x-slipway-modified', found.modifiedAt.getTime())
          .send()
      },
    )

    app.delete<{ Params: WorkerObjectParams }>(
      path,
      { schema: { hide: true, params: WorkerObjectParams } },
      async (request, reply) => {
        const key = await requireKey(request, 'delete')
        if (key.endsWith('/')) await objects.deletePrefix(key)
        else await objects.delete(key)
        return reply.code(204).send()
      },
    )
  }
}

function missing(): AppError {
  return new AppError('resource_not_found', 'There is no such object')
}
