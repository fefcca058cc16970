import { Readable } from 'node:stream'
import { DelegatedJobLogsQuery, DelegatedJobLogsResponse } from '@slipway/contract/delegations'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { LogChunk, LogRange } from '../../../logs/index.ts'
import { findDelegation, hasEnded, waitForDelegation } from '../../../runners/index.ts'
import { checkToken } from '../../platform/routes/check-token.ts'
import { eventStream, plainText, streamLog } from '../../platform/routes/log-stream.ts'
import { openStreams } from '../../platform/routes/open-streams.ts'
import { metadataOf } from '../envelope.ts'
import { IdParams, type JobRoutesDeps } from './jobs.ts'

const streamLimits = { perPrincipal: 1_000, total: 4_000 }
/** How often an open stream's token is asked after. */
const validityMs = 60_000
/** Milliseconds after the end of a job at which a log that is still open is given up. */
const sealMs = 30_000

type LogRequest = FastifyRequest<{ Params: IdParams; Querystring: DelegatedJobLogsQuery }>
type FoundJob = Awaited<ReturnType<typeof findDelegation>>

/** `GET /api/jobs/{id}/logs`: the log of a job, whole, its end, or as it comes. */
export function jobLogRoutes(deps: JobRoutesDeps): FastifyPluginAsync {
  const { runners } = deps
  const open = openStreams(streamLimits)
  return async (app) => {
    app.get<{ Params: IdParams; Querystring: DelegatedJobLogsQuery }>(
      '/:id/logs',
      {
        // A HEAD made of this GET could never end.
        exposeHeadRoute: false,
        schema: {
          operationId: 'getDelegatedJobLogs',
          tags: ['Delegated jobs'],
          summary: 'Read or follow the log of a job',
          description:
            'Without `follow` all of it, in the envelope. With `download=true` the same as a plain text file. ' +
            'With `follow=true` as plain text until the job has ended; ' +
            'or as Server-Sent Events where they are accepted: `id` is a line’s number, `data` its ' +
            '{seq, timestamp, line}, and an event `end` says that there is no more.',
          params: IdParams,
          querystring: DelegatedJobLogsQuery,
          response: {
            200: {
              description: 'The log.',
              content: {
                'application/json': { schema: DelegatedJobLogsResponse },
                'text/plain': { schema: Type.String() },
                'text/event-stream': { schema: Type.String() },
              },
            },
          },
        },
      },
      async (request: LogRequest, reply) => {
        const { principal, params, query } = request
        // Read before the job: its end is then either seen there or announced behind it.
        const after = query.follow === true ? await runners.feed.lastSeq() : 0
        const job = await findDelegation(runners, { principal, id: params.id })
        await runners.logs.requireReachable(job.log_key)
        if (query.follow === true && query.download !== true) {
          return follow(deps, { request, reply, job, after, open })
        }
        const lines = runners.logs.read(job.log_key, rangeOf(request), deps.signal)
        if (query.download === true) {
          return reply
            .type(plainText.contentType)
            .header('content-disposition', `attachment; filename="job-${job.id}.log"`)
            .header('cache-control', 'no-store')
            .send(Readable.from(textOf(lines), { objectMode: false }))
        }
        const body = Readable.from(writeAnswer(deps, lines), { objectMode: false })
        return reply
          .type('application/json; charset=utf-8')
          .header('cache-control', 'no-store')
          .send(body)
      },
    )
  }
}

/** The answer in pieces: no log is ever whole in memory. The last line's break is left out. */
async function* writeAnswer(
  deps: JobRoutesDeps,
  lines: AsyncIterable<LogChunk>,
): AsyncGenerator<string> {
  yield '{"success":true,"data":{"logs":"'
  let separator = ''
  for await (const { data } of lines) {
    const text = data.toString('utf8').replace(/\n$/, '')
    yield separator + JSON.stringify(text).slice(1, -1)
    separator = '\\n'
  }
  yield `"},"metadata":${JSON.stringify(metadataOf(deps))}}`
}

async function* textOf(lines: AsyncIterable<LogChunk>): AsyncGenerator<Buffer> {
  for await (const { data } of lines) yield data
}

async function follow(
  { runners, signal }: JobRoutesDeps,
  input: {
    request: LogRequest
    reply: FastifyReply
    job: FoundJob
    after: number
    open: ReturnType<typeof openStreams>
  },
): Promise<void> {
  const { request, reply, job, after } = input
  const release = input.open(request.principal.id)
  const cut = new AbortController()
  const stopChecking = checkToken(request.stillValid, validityMs, () => cut.abort())
  const ended = new AbortController()
  const range = rangeOf(request)
  reply.hijack()
  try {
    await streamLog(reply.raw, {
      headers: reply.getHeaders(),
      format: request.headers.accept?.includes('text/event-stream') ? eventStream : plainText,
      signal: AbortSignal.any([signal, cut.signal]),
      lines: (gone) => {
        if (hasEnded(job.status)) return runners.logs.read(job.log_key, range, gone)
        const either = AbortSignal.any([gone, ended.signal])
        void watchEnd(runners, { job, after }, either).then(
          () => ended.abort(),
          (err: unknown) => request.log.warn({ err }, 'the end of a job was not seen'),
        )
        return runners.logs.follow(job.log_key, range, either)
      },
    })
  } catch (err) {
    request.log.warn({ err }, 'a log broke off')
  } finally {
    ended.abort()
    stopChecking()
    release()
  }
}

/** Resolves when nothing more can come: the log of a job that has one is sealed by whoever writes it. */
async function watchEnd(
  runners: JobRoutesDeps['runners'],
  { job, after }: { job: FoundJob; after: number },
  signal: AbortSignal,
): Promise<void> {
  await waitForDelegation(runners, { id: job.id, repository: job.repository, after }, signal)
  if (signal.aborted) return
  const begun = await runners.logs.stat(job.log_key)
  if (begun === null || begun.sealed) return
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(sealMs)])
  await new Promise((resolve) => deadline.addEventListener('abort', resolve, { once: true }))
}

function rangeOf({ query, headers }: LogRequest): LogRange {
  const lastEventId = headers['last-event-id']
  const isResumed = typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId)
  if (isResumed) return { after: Number(lastEventId) }
  const { after, tail } = query
  return {
    ...(after === undefined ? {} : { after }),
    ...(tail === undefined ? {} : { tail }),
  }
}
