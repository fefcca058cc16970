import { Readable } from 'node:stream'
import { BuildLogsQuery } from '@slipway/contract/builds'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  buildLogKey,
  findBuild,
  hasEnded,
  openBuildLog,
  readLogLines,
  waitForBuild,
} from '../../../builds/index.ts'
import { parseByteRange } from '../../platform/routes/byte-range.ts'
import { checkToken } from '../../platform/routes/check-token.ts'
import { eventsOf, plainText, streamLog } from '../../platform/routes/log-stream.ts'
import { openStreams } from '../../platform/routes/open-streams.ts'
import { BuildParams, type BuildRoutesDeps, runsPath } from './pipelines-runs.ts'

const streamLimits = { perPrincipal: 1_000, total: 4_000 }
/** How often an open stream's token is asked after. */
const validityMs = 60_000
/** Milliseconds after the end of a build at which a log that is still open is given up. */
const sealMs = 30_000
const events = eventsOf(readLogLines)

/** `GET /api/pipelines/runs/{id}/logs`: the log of a build, whole, from a place on, or as it comes. */
export function buildLogRoutes(deps: BuildRoutesDeps): FastifyPluginAsync {
  const open = openStreams(streamLimits)
  return async (app) => {
    app.get<{ Params: BuildParams; Querystring: BuildLogsQuery }>(
      `${runsPath}/:id/logs`,
      {
        // A HEAD made of this GET could never end.
        exposeHeadRoute: false,
        schema: {
          operationId: 'getBuildLogs',
          tags: ['Builds'],
          summary: 'Read or follow the log of a build',
          description:
            'Plain text, every line behind its time; or Server-Sent Events where they are accepted: `id` is a line’s number, ' +
            '`data` its {seq, timestamp, line} with the line apart from its time, and an event `end` says that there is no more. ' +
            'Byte ranges are answered for plain text that is not followed.',
          params: BuildParams,
          querystring: BuildLogsQuery,
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
            416: { description: 'The log has no such part.', type: 'null' },
          },
        },
      },
      async (request, reply) => {
        const { principal, params, query, headers } = request
        // Read before the build: its end is then either seen there or announced behind it.
        const after = query.follow === true ? await deps.builds.feed.lastSeq() : 0
        const row = await findBuild(deps.builds, { principal, id: params.id })
        const log = openBuildLog(deps.builds, { id: row.id, startedAt: row.started_at })
        // A log has no validator that If-Range could name: the whole is the answer then (RFC 9110, 13.1.5).
        const isUnconditional = headers['if-range'] === undefined
        if (headers.range !== undefined && isUnconditional && isWhole(request)) {
          return sendBytes(log, headers.range, reply)
        }
        await deps.builds.logs.requireReachable(buildLogKey(row.id))
        const release = open(principal.id)
        const cut = new AbortController()
        const stopChecking = checkToken(request.stillValid, validityMs, () => cut.abort())
        const ended = new AbortController()
        const follow = query.follow === true && !hasEnded(row.status)
        const asEvents = wantsEvents(request)
        reply.hijack()
        try {
          await streamLog(reply.raw, {
            headers: {
              ...reply.getHeaders(),
              'accept-ranges': asEvents || follow ? 'none' : 'bytes',
            },
            format: asEvents ? events : plainText,
            signal: AbortSignal.any([deps.signal, cut.signal]),
            lines: (gone) => {
              if (!follow) return log.lines(rangeOf(request), gone)
              const signal = AbortSignal.any([gone, ended.signal])
              const build = { id: row.id, repository: row.repository, after }
              void watchEnd(deps, build, signal).then(
                () => ended.abort(),
                (err: unknown) => request.log.warn({ err }, 'the end of a build was not seen'),
              )
              return log.lines({ ...rangeOf(request), follow }, signal)
            },
          })
        } catch (err) {
          request.log.warn({ err }, 'a log broke off')
        } finally {
          ended.abort()
          stopChecking()
          release()
        }
      },
    )
  }
}

type LogRequest = FastifyRequest<{ Params: BuildParams; Querystring: BuildLogsQuery }>

/** Resolves when nothing more can come: its writer seals the log of an attempt, unless it was lost. */
async function watchEnd(
  { builds }: BuildRoutesDeps,
  build: { id: number; repository: string; after: number },
  signal: AbortSignal,
): Promise<void> {
  await waitForBuild(builds, build, signal)
  if (signal.aborted) return
  const isBegun = await builds.logs.stat(buildLogKey(build.id))
  if (isBegun === null || isBegun.sealed) return
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(sealMs)])
  await new Promise((resolve) => deadline.addEventListener('abort', resolve, { once: true }))
}

function wantsEvents({ headers }: LogRequest): boolean {
  return headers.accept?.includes('text/event-stream') ?? false
}

function isWhole(request: LogRequest): boolean {
  const { after, tail, follow } = request.query
  return after === undefined && tail === undefined && follow !== true && !wantsEvents(request)
}

function rangeOf({ query, headers }: LogRequest): { after?: number; tail?: number } {
  const lastEventId = headers['last-event-id']
  const isResumed = typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId)
  if (isResumed) return { after: Number(lastEventId) }
  const { after, tail } = query
  return {
    ...(after === undefined ? {} : { after }),
    ...(tail === undefined ? {} : { tail }),
  }
}

async function sendBytes(
  log: ReturnType<typeof openBuildLog>,
  header: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const size = await log.size()
  const range = parseByteRange(header, size)
  void reply.header('accept-ranges', 'bytes').type(plainText.contentType)
  if (range === 'unsatisfiable') {
    return reply.code(416).header('content-range', `bytes */${size}`).send()
  }
  const { start, end } = range ?? { start: 0, end: size - 1 }
  void reply.header('content-length', end - start + 1)
  if (range !== null) void reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`)
  return reply.send(Readable.from(log.bytes(start, end), { objectMode: false }))
}
