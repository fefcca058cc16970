import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { Cursor } from '@slipway/contract/fields'
import {
  PutWorkerLogQuery,
  SealWorkerLogQuery,
  workerFileLimits,
} from '@slipway/contract/worker-files'
// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import Type, { type Static } from 'typebox'
import { AppError } from '../../../errors.ts'
import {
  encodeFrame,
  type FileLogStore,
  framePingMs,
  peerLogsPath,
  type LogRange,
} from '../../../logs/index.ts'
import { waitForDrain } from '../../wait-for-drain.ts'

export interface ServerLogRoutesDeps {
  /** The logs of this server's own data directory. */
  ownLogs: FileLogStore
  /** Aborts when the server begins to stop. */
  signal: AbortSignal
}

const path = peerLogsPath.replace(/^\/v1/, '')
const drainMs = 30_000

const Key = Type.Object({ key: Type.String({ minLength: 1, maxLength: 1_024 }) })
const LinesQuery = Type.Object({
  ...Key.properties,
  follow: Type.Boolean(),
  after: Type.Optional(Cursor({ minimum: 0, description: '' })),
  tail: Type.Optional(Cursor({ minimum: 0, description: '' })),
})
const BytesQuery = Type.Object({
  ...Key.properties,
  start: Cursor({ minimum: 0, description: '' }),
  end: Cursor({ minimum: 0, description: '' }),
})
const EndQuery = Type.Object({
  ...Key.properties,
  bytes: Type.Integer({ minimum: 0, maximum: 16 * 1024 * 1024 }),
})
const PrefixQuery = Type.Object({ prefix: Type.String({ minLength: 2, maxLength: 1_024 }) })
const PieceQuery = Type.Object({
  ...PutWorkerLogQuery.properties,
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
})

/** What the other servers ask this one about the logs of its data directory; nobody else may. */
export function serverLogRoutes(deps: ServerLogRoutesDeps): FastifyPluginAsync {
  const { ownLogs: logs } = deps
  return async (app) => {
    app.addContentTypeParser(
      'application/octet-stream',
      { parseAs: 'buffer', bodyLimit: workerFileLimits.pieceBytes },
      (_request, body, done) => done(null, body),
    )
    const hidden = { exposeHeadRoute: false } as const

    app.get<{ Querystring: Static<typeof Key> }>(
      `${path}/stat`,
      { ...hidden, schema: { hide: true, querystring: Key } },
      async ({ query }) => (await logs.stat(query.key)) ?? missing(),
    )

    app.get<{ Querystring: Static<typeof LinesQuery> }>(
      `${path}/lines`,
      { ...hidden, schema: { hide: true, querystring: LinesQuery } },
      async (request, reply) => {
        const { key, follow, ...range } = request.query
        reply.hijack()
        await sendFrames(deps, { key, follow, range }, reply.raw).catch((error: unknown) => {
          request.log.warn({ err: error }, 'a log for another server broke off')
          reply.raw.destroy()
        })
      },
    )

    app.get<{ Querystring: Static<typeof BytesQuery> }>(
      `${path}/bytes`,
      { ...hidden, schema: { hide: true, querystring: BytesQuery } },
      async ({ query }, reply) => {
        const { key, start, end } = query
        const size = (await logs.stat(key))?.bytes ?? missing()
        const length = Math.max(0, Math.min(size - 1, end) - start + 1)
        return reply
          .type('application/octet-stream')
          .header('x-slipway-bytes', length)
          .header('content-length', length)
          .send(Readable.from(length === 0 ? [] : logs.readBytes(key, start, start + length - 1)))
      },
    )

    app.get<{ Querystring: Static<typeof EndQuery> }>(
      `${path}/end`,
      { ...hidden, schema: { hide: true, querystring: EndQuery } },
      async ({ query }, reply) => {
        const end = (await logs.readEnd(query.key, query.bytes)) ?? missing()
        return reply
          .type('application/octet-stream')
          .header('x-slipway-whole', String(end.isWhole))
          .send(end.data)
      },
    )

    app.get<{ Querystring: Static<typeof Key> }>(
      `${path}/whole`,
      { ...hidden, schema: { hide: true, querystring: Key } },
      async ({ query }, reply) => {
        const whole = (await logs.openWhole(query.key)) ?? missing()
        const body = Readable.from(whole.content(), { objectMode: false })
        body.once('close', () => void whole.close())
        return reply
          .type('application/octet-stream')
          .header('x-slipway-bytes', whole.bytes)
          .header('x-slipway-index-bytes', whole.indexBytes)
          .send(body)
      },
    )

    app.put<{ Querystring: Static<typeof PieceQuery> }>(
      path,
      { schema: { hide: true, querystring: PieceQuery } },
      async ({ query, body }) => {
        const piece = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
        const digest = createHash('sha256').update(piece).digest('hex')
        if (digest !== query.sha256) throw new AppError('invalid_request', 'The body was changed')
        return logs.receive(query.key, {
          offset: query.offset,
          indexOffset: query.index_offset,
          index: piece.subarray(0, query.index_bytes),
          data: piece.subarray(query.index_bytes),
          writer: query.writer,
        })
      },
    )

    app.post<{ Querystring: SealWorkerLogQuery }>(
      `${path}/seal`,
      { schema: { hide: true, querystring: SealWorkerLogQuery } },
      async ({ query }) =>
        logs.sealReceived(query.key, { bytes: query.bytes, indexBytes: query.index_bytes }),
    )

    app.post<{ Querystring: Static<typeof Key> }>(
      `${path}/park`,
      { schema: { hide: true, querystring: Key } },
      async ({ query }, reply) => {
        await logs.park(query.key)
        return reply.code(204).send()
      },
    )

    app.delete<{ Querystring: Static<typeof PrefixQuery> }>(
      path,
      { schema: { hide: true, querystring: PrefixQuery } },
      async ({ query }, reply) => {
        await logs.deletePrefix(query.prefix)
        return reply.code(204).send()
      },
    )
  }
}

function missing(): never {
  throw new AppError('resource_not_found', 'There is no such log here')
}

/** Lines as they come, and a sign of life where none do. */
async function sendFrames(
  deps: ServerLogRoutesDeps,
  input: { key: string; follow: boolean; range: LogRange },
  raw: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  raw.on('error', () => gone.abort())
  raw.once('close', () => gone.abort())
  if (raw.destroyed) gone.abort()
  const signal = AbortSignal.any([gone.signal, deps.signal])
  raw.writeHead(200, {
    'content-type': 'application/octet-stream',
    'cache-control': 'no-store, no-transform',
  })
  raw.flushHeaders()
  const { key, follow, range } = input
  const ping = setInterval(() => {
    if (!raw.writableNeedDrain) raw.write(encodeFrame({}))
  }, framePingMs)
  try {
    const lines = follow
      ? deps.ownLogs.follow(key, range, signal)
      : deps.ownLogs.read(key, range, signal)[Symbol.asyncIterator]()
    for (;;) {
      const next = await lines.next()
      if (next.done === true) {
        // Without a last frame the other server knows that there may be more.
        if (signal.aborted) raw.destroy()
        else raw.end(encodeFrame({ end: next.value ?? 'ended' }))
        return
      }
      const { seq, lines: count, at, data } = next.value
      const frame = encodeFrame({ seq, lines: count, at: at.getTime() }, data)
      if (!raw.write(frame) && !(await waitForDrain(raw, { drainMs, signal }))) {
        raw.destroy()
        return
      }
    }
  } finally {
    clearInterval(ping)
    gone.abort()
  }
}
