import {
  type BuildStepKey,
  ExecuteBuildQuery,
  ExecuteBuildResponse,
} from '@slipway/contract/builds'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import {
  attemptTimeoutMs,
  executeBuild,
  findBuild,
  hasEnded,
  waitForBuild,
} from '../../../builds/index.ts'
import { openStreams } from '../../platform/routes/open-streams.ts'
import { refusals } from '../refusals.ts'
import { readPreferences } from '../read-preferences.ts'
import { BuildParams, type BuildRoutesDeps, runsPath } from './pipelines-runs.ts'

/** Requests that wait for the end of a build at once. */
const waitLimits = { perPrincipal: 100, total: 1_000 }
/** Milliseconds that a timer of Node.js can wait. */
const longestTimer = 2_147_483_647
const success = true as const

/** `POST /api/pipelines/runs/{id}/execute`: runs a pending build and waits for its end. */
export function buildExecutionRoutes(deps: BuildRoutesDeps): FastifyPluginAsync {
  const { builds, signal } = deps
  const open = openStreams(waitLimits)
  return async (app) => {
    app.post<{ Params: BuildParams; Querystring: ExecuteBuildQuery }>(
      `${runsPath}/:id/execute`,
      {
        schema: {
          operationId: 'executeBuild',
          tags: ['Builds'],
          summary: 'Execute a build',
          description:
            'Answers when the build has ended: a failed one with 200, too, and `success` false inside `execution_result`. ' +
            '`Prefer: respond-async` or `?wait=false` answers at once, `Prefer: wait=60` after so many seconds at most. ' +
            'The build goes on when the caller leaves.',
          params: BuildParams,
          querystring: ExecuteBuildQuery,
          response: {
            200: { ...ExecuteBuildResponse, description: 'The build has ended.' },
            202: { ...ExecuteBuildResponse, description: 'The build is still under way.' },
            ...refusals({ 409: 'The build is not pending, or waits to be executed already.' }),
          },
        },
      },
      async (request, reply) => {
        const { principal, params } = request
        const { id } = params
        const prefer = readPreferences(request.headers['prefer'])
        const waits = request.query.wait !== false && !prefer.respondAsync
        const release = waits ? open(principal.id) : () => {}
        try {
          // Before the build is handed out: its end is an event behind this one.
          const after = waits ? await builds.feed.lastSeq() : 0
          const { repository, steps_to_execute: steps } = await findBuild(builds, { principal, id })
          await executeBuild(builds, { principal, id })
          void reply.header('location', `/api${runsPath}/${id}`)
          if (prefer.applied !== null) void reply.header('preference-applied', prefer.applied)
          if (!waits) return await answer(reply, pending)
          const longest = attemptTimeoutMs(builds.limits, steps as BuildStepKey[])
          const waitMs = Math.min(longest, prefer.waitMs ?? longest, longestTimer)
          const given = AbortSignal.any([signal, goneOf(reply), AbortSignal.timeout(waitMs)])
          const standing = await waitForBuild(builds, { id, repository, after }, given)
          return await answer(reply, standing ?? pending)
        } finally {
          release()
        }
      },
    )
  }
}

type Standing = NonNullable<Awaited<ReturnType<typeof waitForBuild>>>
const pending: Standing = { status: 'pending', failureReason: null, error: null, outputs: 0 }

function answer(reply: FastifyReply, standing: Standing): FastifyReply {
  const { status, failureReason } = standing
  return reply.code(hasEnded(status) ? 200 : 202).send({
    success,
    execution_result: {
      success: status !== 'failed',
      message: describe(standing),
      status,
      failure_reason: failureReason,
    },
  })
}

function describe({ status, outputs, error }: Standing): string {
  switch (status) {
    case 'completed':
      return `Pipeline completed successfully with ${outputs} output(s)`
    case 'failed':
      return `Pipeline execution failed: ${error}`
    case 'running':
      return 'Pipeline is being executed'
    case 'pending':
      return 'Pipeline will be executed as soon as a worker is free'
  }
}

/** Aborts when the client has gone, or has its answer: not with the connection, which serves others too. */
function goneOf({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  if (raw.destroyed) gone.abort()
  return gone.signal
}
