import type { DelegationJob } from '@slipway/contract/jobs'
import { WorkerAttemptParams, WorkerParams } from '@slipway/contract/worker-api'
import {
  type BeginDelegationResponse,
  CompleteDelegationRequest,
  FindUnfinishedRequest,
  FindUnfinishedResponse,
  ReportDelegationRequest,
  type RunnerConfigurationResponse,
} from '@slipway/contract/worker-delegations'
// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { requireOwnAttempt, requireOwnWorker } from '../../../jobs/index.ts'
import type { DelegationControl } from '../../../runners/index.ts'
import { answeredByWork } from './answered-by-work.ts'
import { claimOf } from './claim-of.ts'
import type { WorkerRoutesDeps } from './workers.ts'

export interface WorkerDelegationRoutesDeps extends WorkerRoutesDeps {
  /** What this server does for its own worker. */
  workerDelegations: DelegationControl
}

const none = { 204: Type.Null() }
const base = '/workers/:id/jobs/:job_id/attempts/:attempt/delegation'

/** What a worker of another machine tells of the delegated job whose container it looks after, and asks for it. */
export function workerDelegationRoutes(deps: WorkerDelegationRoutesDeps): FastifyPluginAsync {
  const control = deps.workerDelegations
  const { workerLedger: ledger } = deps
  const held = async ({ principal, params }: FastifyRequest<{ Params: WorkerAttemptParams }>) => {
    const claim = claimOf(params)
    const { payload } = await requireOwnAttempt(ledger, { principal, claim, type: 'delegation' })
    return { claim, delegationId: (payload as DelegationJob).delegation_id }
  }
  return async (app) => {
    app.post<{ Params: WorkerAttemptParams }>(
      base,
      { schema: { hide: true, params: WorkerAttemptParams } },
      async (request): Promise<BeginDelegationResponse> => ({
        attempt: await answeredByWork(control.beginDelegation(await held(request))),
      }),
    )

    app.post<{ Params: WorkerAttemptParams }>(
      `${base}/configuration`,
      { schema: { hide: true, params: WorkerAttemptParams } },
      async (request, reply): Promise<RunnerConfigurationResponse> => {
        const delegation = await held(request)
        void reply.header('cache-control', 'no-store')
        const answer = control.openRunnerConfiguration(delegation, untilGone(reply))
        const { env, secrets } = await answeredByWork(answer)
        return { env, secrets: [...secrets] }
      },
    )

    app.post<{ Params: WorkerAttemptParams }>(
      `${base}/not-started`,
      { schema: { hide: true, params: WorkerAttemptParams, response: none } },
      async (request, reply) => {
        await answeredByWork(control.reportDelegationNotStarted(await held(request)))
        return reply.code(204).send()
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: ReportDelegationRequest }>(
      `${base}/running`,
      {
        schema: {
          hide: true,
          params: WorkerAttemptParams,
          body: ReportDelegationRequest,
          response: none,
        },
      },
      async (request, reply) => {
        const { containerId } = request.body
        const delegation = await held(request)
        await answeredByWork(control.reportDelegationRunning({ ...delegation, containerId }))
        return reply.code(204).send()
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: CompleteDelegationRequest }>(
      `${base}/result`,
      {
        schema: {
          hide: true,
          params: WorkerAttemptParams,
          body: CompleteDelegationRequest,
          response: none,
        },
      },
      async (request, reply) => {
        const { result } = request.body
        const delegation = await held(request)
        await answeredByWork(control.completeDelegation({ ...delegation, result }))
        return reply.code(204).send()
      },
    )

    app.post<{ Params: WorkerParams; Body: FindUnfinishedRequest }>(
      '/workers/:id/unfinished-delegations',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          body: FindUnfinishedRequest,
          response: { 200: FindUnfinishedResponse },
        },
      },
      async ({ principal, params, body }) => {
        await requireOwnWorker(ledger, { principal, workerId: params.id })
        return { delegations: [...(await control.findUnfinished(body.delegations))] }
      },
    )
  }
}

/** Aborts when whoever asked is gone. */
function untilGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => gone.abort(new Error('whoever asked is gone')))
  return gone.signal
}
