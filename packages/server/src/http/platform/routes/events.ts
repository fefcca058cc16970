import { FollowEventsQuery } from '@slipway/contract/events'
// For what it adds to Fastify's route schemas: operationId, tags, summary.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import { requireVisible } from '../../../access/index.ts'
import { AppError } from '../../../errors.ts'
import {
  envelope,
  type EventFeed,
  type EventFilter,
  type EventGap,
  type Following,
  parseEventTypes,
} from '../../../events/index.ts'
import type { Principal } from '../../../ports/identity.ts'
import { checkToken } from './check-token.ts'
import { eventBlock, type EventStream, idBlock, openEventStream } from './event-stream.ts'
import { openStreams, type StreamLimits } from './open-streams.ts'

export interface EventRoutesDeps {
  feed: EventFeed
  /** Aborts when the server begins to stop: every stream ends then. */
  signal: AbortSignal
  limits?: Partial<EventStreamLimits>
}

/** Times in milliseconds. */
export interface EventStreamLimits extends StreamLimits {
  heartbeatMs: number
  /** The longest that a reader may take nothing. */
  drainMs: number
  /** How often an open stream's token is asked after. */
  validityMs: number
}

const LIMITS: EventStreamLimits = {
  perPrincipal: 1_000,
  total: 4_000,
  heartbeatMs: 15_000,
  drainMs: 30_000,
  validityMs: 60_000,
}

/** Readers come back after one to three seconds, not all at once. */
const RETRY_MS = { least: 1_000, spread: 2_000 }

/** `GET /v1/events`: the outbox as Server-Sent Events. */
export function eventRoutes(deps: EventRoutesDeps): FastifyPluginAsync {
  const { feed, signal } = deps
  const limits = { ...LIMITS, ...deps.limits }
  const open = openStreams(limits)
  const streams = new Set<EventStream>()
  signal.addEventListener('abort', () => {
    for (const stream of streams) stream.end()
  })

  return async (app) => {
    app.get<{ Querystring: FollowEventsQuery }>(
      '/events',
      {
        // A HEAD made of this GET would never end.
        exposeHeadRoute: false,
        schema: {
          operationId: 'followEvents',
          tags: ['Events'],
          summary: 'Follow events as they happen',
          description:
            'Server-Sent Events. `id` is the cursor: `Last-Event-ID`, else `after`, resumes behind it; ' +
            'without either the stream begins with the `last` so many events, or now. `data` is the event envelope. ' +
            'An event `slipway.gap` says that events behind the cursor are no longer kept.',
          querystring: FollowEventsQuery,
          response: {
            200: {
              description: 'A stream without end.',
              content: { 'text/event-stream': { schema: Type.String() } },
            },
          },
        },
      },
      async (request, reply) => {
        const { principal, stillValid } = request
        const filter = filterOf(request.query, principal)
        const lastEventId = parseLastEventId(request.headers['last-event-id'])
        const release = open(principal.id)
        try {
          // "Now" is before the head: what happens once a client sees it is in its stream.
          const { last } = request.query
          const after =
            lastEventId ??
            request.query.after ??
            (last === undefined
              ? await feed.lastSeq()
              : await feed.seqBefore({ count: last, filter }))
          if (signal.aborted) throw new AppError('unavailable', 'The server is stopping.')

          reply.hijack()
          let following: Following | undefined
          const stream = openEventStream(reply.raw, {
            headers: reply.getHeaders(),
            retryMs: RETRY_MS.least + Math.floor(Math.random() * RETRY_MS.spread),
            heartbeatMs: limits.heartbeatMs,
            drainMs: limits.drainMs,
            position: () => following?.position(),
          })
          const stopChecking = checkToken(stillValid, limits.validityMs, stream.end)
          streams.add(stream)
          try {
            await stream.send(idBlock(after))
            const onGap = async (gap: EventGap) => void (await stream.send(gapBlock(gap)))
            following = feed.follow({ after, filter, onGap }, stream.closed)
            for await (const event of following) {
              const sent = stream.send(eventBlock(event))
              if (sent !== true && !(await sent)) break
            }
          } catch (error) {
            // The client comes back with its cursor.
            request.log.warn({ err: error }, 'A stream of events broke off')
          } finally {
            stopChecking()
            streams.delete(stream)
            stream.end()
          }
        } finally {
          release()
        }
      },
    )
  }
}

function filterOf(query: FollowEventsQuery, principal: Principal): EventFilter {
  const visible = principal.repositories
  if (query.repository !== undefined) requireVisible(principal, query.repository)
  return {
    visibleRepositories: visible,
    ...(query.types === undefined ? {} : { types: parseEventTypes(query.types) }),
    ...(query.repository === undefined ? {} : { repository: query.repository }),
    ...(query.run_id === undefined ? {} : { runId: query.run_id.toLowerCase() }),
  }
}

function parseLastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined
  const seq = typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : Number.NaN
  if (!Number.isSafeInteger(seq)) {
    throw new AppError('invalid_request', 'Last-Event-ID is not an event id of this server.', {
      header: 'Last-Event-ID',
    })
  }
  return seq
}

/** Goes out under the id in front of what follows, so that a resumed stream says it once. */
function gapBlock({ after, next }: EventGap): string {
  const data = JSON.stringify({ after, next })
  const json = envelope('slipway.gap', new Date(), data)
  return `id: ${next - 1}\nevent: slipway.gap\ndata: ${json}\n\n`
}
