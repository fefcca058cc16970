import { Readable } from 'node:stream'
import { Cursor, Uuid } from '@slipway/contract/fields'
// For what it adds to Fastify's route schemas: operationId, tags, summary.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import Type, { type Static } from 'typebox'
import { canSee } from '../../../access/index.ts'
import type { Tables } from '../../../db/tables.gen.ts'
import { AppError } from '../../../errors.ts'
import type { EventFeed } from '../../../events/index.ts'
import type { LogRange, LogStore } from '../../../logs/index.ts'
import { findStepLog, type StepLog } from '../../../runs/index.ts'
import { linkHolder } from '../../principal.ts'
import { parseByteRange } from './byte-range.ts'
import { checkToken } from './check-token.ts'
import { eventStream, plainText, streamLog, timedText } from './log-stream.ts'
import { openStreams, type StreamLimits } from './open-streams.ts'

export interface StepLogRoutesDeps {
  db: Kysely<Tables>
  logs: LogStore
  feed: EventFeed
  /** Aborts when the server begins to stop: every stream breaks off then, and its reader comes back. */
  signal: AbortSignal
  logLimits?: Partial<LogStreamLimits>
  /** A link to a sealed log's object that works for so many seconds without a credential, if there can be one. */
  linkToLog?: (log: { key: string; fileName: string }, seconds: number) => Promise<string | null>
}

export interface LogStreamLimits extends StreamLimits {
  /** How often an open stream's token, or the time of its link, is asked after; milliseconds. */
  validityMs: number
}

const defaultLimits: LogStreamLimits = { perPrincipal: 1_000, total: 4_000, validityMs: 60_000 }

const StepParams = Type.Object({ id: Uuid })

const StepLogQuery = Type.Object({
  follow: Type.Optional(Type.Boolean({ description: 'Go on with what is still to come.' })),
  after: Type.Optional(
    Cursor({ minimum: 0, description: 'Only lines behind this sequence number.' }),
  ),
  tail: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Only the last lines.' }),
  ),
  timestamps: Type.Optional(
    Type.Boolean({ description: 'Each line behind the time of its arrival.' }),
  ),
  expires: Type.Optional(Type.Integer({ description: 'Of a signed link: epoch seconds.' })),
  signature: Type.Optional(Type.String({ maxLength: 100, description: 'Of a signed link.' })),
  ticket: Type.Optional(Type.String({ maxLength: 200 })),
})
type StepLogQuery = Static<typeof StepLogQuery>

/** Milliseconds after the end of its run at which a log that is still open is given up. */
const sealMs = 30_000

/** `GET /v1/steps/{id}/logs`: where `logs_url` leads. */
export function stepLogRoutes(deps: StepLogRoutesDeps): FastifyPluginAsync {
  const limits = { ...defaultLimits, ...deps.logLimits }
  const open = openStreams(limits)
  return async (app) => {
    app.get<{ Params: { id: string }; Querystring: StepLogQuery }>(
      '/steps/:id/logs',
      {
        // A HEAD made of this GET could never end.
        exposeHeadRoute: false,
        schema: {
          operationId: 'getStepLog',
          tags: ['Runs'],
          summary: 'Read or follow a step’s log',
          description:
            'Plain text, or Server-Sent Events where they are accepted: `id` is a line’s sequence number, ' +
            '`data` its {seq, timestamp, line}, and an event `end` says that there is no more. ' +
            'Byte ranges are answered for plain text that is not followed. A signed link to a log that is kept in ' +
            'S3 may lead on there.',
          params: StepParams,
          querystring: StepLogQuery,
          response: {
            200: {
              description: 'The log.',
              content: {
                'text/plain': { schema: Type.String() },
                'text/event-stream': { schema: Type.String() },
              },
            },
            206: {
              description: 'Part of the log.',
              content: { 'text/plain': { schema: Type.String() } },
            },
            302: { description: 'The log is there.', type: 'null' },
          },
        },
      },
      async (request, reply) => {
        // Read before the step: its run's end is then either seen there or announced behind it.
        const eventsSeen = await deps.feed.lastSeq()
        const log = await visibleLog(deps, request)
        const elsewhere = await linkElsewhere(deps, request, log)
        if (elsewhere !== null) {
          void reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
          return reply.redirect(elsewhere, 302)
        }
        if (
          request.query.follow !== true &&
          request.headers.range !== undefined &&
          isWhole(request)
        ) {
          return sendBytes(deps, log, request.headers.range, reply)
        }
        await deps.logs.requireReachable(log.logKey)
        const release = open(request.principal.id)
        const cut = new AbortController()
        const stopChecking = checkToken(request.stillValid, limits.validityMs, () => cut.abort())
        const signal = AbortSignal.any([deps.signal, cut.signal])
        try {
          await sendLines({ ...deps, signal }, log, eventsSeen, request, reply)
        } finally {
          stopChecking()
          release()
        }
      },
    )
  }
}

type LogRequest = FastifyRequest<{ Params: { id: string }; Querystring: StepLogQuery }>

async function visibleLog(deps: StepLogRoutesDeps, request: LogRequest): Promise<StepLog> {
  const stepId = request.params.id
  const log = await findStepLog(deps, { stepId })
  if (log === null || !canSee(request.principal, log.repository)) {
    throw new AppError('resource_not_found', `There is no step ${stepId}`)
  }
  if (log.deletedAt !== null) {
    const at = log.deletedAt.toISOString()
    throw new AppError('gone', `The logs of this run were kept until ${at}`, { deleted_at: at })
  }
  return log
}

/**
 * Where the whole log, or a range of its bytes, can be had without us: for who holds a signed link, and no
 * longer than that works. Scripts of other sites' pages would not be let in there.
 */
async function linkElsewhere(
  deps: StepLogRoutesDeps,
  request: LogRequest,
  log: StepLog,
): Promise<string | null> {
  const { query, headers, principal } = request
  const isByLink = principal.id === linkHolder.id && query.expires !== undefined
  // Only browsers say where from.
  const isScript =
    headers['sec-fetch-site'] !== undefined && headers['sec-fetch-mode'] !== 'navigate'
  if (deps.linkToLog === undefined || !isByLink || isScript) return null
  if (query.follow === true || !isWhole(request)) return null
  const found = await deps.logs.stat(log.logKey)
  if (found?.sealed !== true) return null
  const seconds = (query.expires ?? 0) - Date.now() / 1000
  const fileName = log.logKey.slice(log.logKey.lastIndexOf('/') + 1)
  return deps.linkToLog({ key: log.logKey, fileName }, seconds)
}

function isWhole({ query, headers }: LogRequest): boolean {
  const { after, tail, timestamps } = query
  return after === undefined && tail === undefined && timestamps !== true && !wantsEvents(headers)
}

function wantsEvents(headers: FastifyRequest['headers']): boolean {
  return headers.accept?.includes('text/event-stream') ?? false
}

async function sendBytes(
  deps: StepLogRoutesDeps,
  log: StepLog,
  header: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const size = (await deps.logs.stat(log.logKey))?.bytes ?? 0
  const range = parseByteRange(header, size)
  void reply.header('accept-ranges', 'bytes').type(plainText.contentType)
  if (range === 'unsatisfiable') {
    return reply.code(416).header('content-range', `bytes */${size}`).send()
  }
  const { start, end } = range ?? { start: 0, end: size - 1 }
  void reply.header('content-length', Math.max(0, end - start + 1))
  if (range !== null) void reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`)
  return reply.send(Readable.from(size === 0 ? [] : deps.logs.readBytes(log.logKey, start, end)))
}

async function sendLines(
  deps: StepLogRoutesDeps,
  log: StepLog,
  eventsSeen: number,
  request: LogRequest,
  reply: FastifyReply,
): Promise<void> {
  const { query, headers } = request
  const range = lineRange(request)
  const asEvents = wantsEvents(headers)
  const format = asEvents ? eventStream : query.timestamps === true ? timedText : plainText
  const follow = query.follow === true && !log.ended
  reply.hijack()
  const ended = new AbortController()
  try {
    await streamLog(reply.raw, {
      headers: { ...reply.getHeaders(), 'accept-ranges': asEvents || follow ? 'none' : 'bytes' },
      format,
      signal: deps.signal,
      lines: (gone) => {
        if (!follow) return deps.logs.read(log.logKey, range, gone)
        const signal = AbortSignal.any([gone, ended.signal])
        void watchRun(deps, { stepId: request.params.id, log, eventsSeen }, signal).then(
          () => ended.abort(),
          (error: unknown) => request.log.warn({ err: error }, 'the end of a run was not seen'),
        )
        return deps.logs.follow(log.logKey, range, signal)
      },
    })
  } catch (error) {
    request.log.warn({ err: error }, 'a log broke off')
  } finally {
    ended.abort()
  }
}

function lineRange({ query, headers }: LogRequest): LogRange {
  const lastEventId = headers['last-event-id']
  const resumed = typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId)
  const after = resumed ? Number(lastEventId) : query.after
  return {
    ...(after === undefined ? {} : { after }),
    ...(query.tail === undefined || resumed ? {} : { tail: query.tail }),
  }
}

/** Resolves when nothing more can come for a step because its run is over. */
async function watchRun(
  deps: StepLogRoutesDeps,
  input: { stepId: string; log: StepLog; eventsSeen: number },
  signal: AbortSignal,
): Promise<void> {
  const types = { exact: ['pipeline.run.completed', 'pipeline.run.cancelled'], prefixes: [] }
  const filter = { visibleRepositories: null, runId: input.log.runId, types }
  for await (const _end of deps.feed.follow({ after: input.eventsSeen, filter }, signal)) break
  if (signal.aborted) return
  const step = await findStepLog(deps, { stepId: input.stepId })
  if (step === null || step.status === 'pending') return
  // It ran: its writer seals the log, which ends the followers by itself.
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(sealMs)])
  await new Promise((resolve) => deadline.addEventListener('abort', resolve, { once: true }))
}
