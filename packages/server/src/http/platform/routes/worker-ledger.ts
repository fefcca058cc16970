import {
  ClaimJobsRequest,
  ClaimJobsResponse,
  FailAttemptRequest,
  FailAttemptResponse,
  FailJobRequest,
  FailJobResponse,
  FindQueuedRequest,
  FindQueuedResponse,
  HeldJobsResponse,
  NextRunResponse,
  ReleaseJobsRequest,
  ReportOutcomesRequest,
  ReportOutcomesResponse,
  ReturnJobsRequest,
  WorkerAttemptParams,
  WorkerParams,
  WorkerTypesQuery,
} from '@slipway/contract/worker-api'
// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { AppError } from '../../../errors.ts'
import { encodeResult, requireOwnAttempt, requireOwnWorker } from '../../../jobs/index.ts'
import { claimOf } from './claim-of.ts'
import type { WorkerRoutesDeps } from './workers.ts'

const none = { 204: Type.Null() }

/** All that a worker of another machine does to the ledger, as `WorkLedger` has it. */
export function workerLedgerRoutes(deps: WorkerRoutesDeps): FastifyPluginAsync {
  const { workLedger: ledger } = deps
  const own = async ({ principal, params }: FastifyRequest<{ Params: WorkerParams }>) => {
    await requireOwnWorker(deps.workerLedger, { principal, workerId: params.id })
    return params.id
  }
  const ownAttempt = async (request: FastifyRequest<{ Params: WorkerAttemptParams }>) => {
    await own(request)
    return claimOf(request.params)
  }
  return async (app) => {
    app.post<{ Params: WorkerParams; Body: ClaimJobsRequest }>(
      '/workers/:id/claims',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          body: ClaimJobsRequest,
          response: { 200: ClaimJobsResponse },
        },
      },
      async (request) => {
        const workerId = await own(request)
        const { types, limit, only } = request.body
        const which = only === undefined ? {} : { only }
        const jobs = await ledger.claim({ workerId, types, limit, ...which })
        return {
          jobs: jobs.map(({ runId, deadlineAt, timeoutMs, ...job }) => ({
            ...job,
            run_id: runId,
            deadline_at: deadlineAt.toISOString(),
            timeout_ms: timeoutMs,
          })),
        }
      },
    )

    app.post<{ Params: WorkerParams; Body: ReportOutcomesRequest }>(
      '/workers/:id/outcomes',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          body: ReportOutcomesRequest,
          response: { 200: ReportOutcomesResponse },
        },
      },
      async (request) => {
        const workerId = await own(request)
        const verdicts = request.body.outcomes.map(({ result, error = null, ...outcome }) => ({
          ...outcome,
          error,
          resultJson: encode(result),
        }))
        return { accepted: [...(await ledger.complete({ workerId, verdicts }))] }
      },
    )

    app.get<{ Params: WorkerParams; Querystring: WorkerTypesQuery }>(
      '/workers/:id/jobs',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          querystring: WorkerTypesQuery,
          response: { 200: HeldJobsResponse },
        },
      },
      async (request) => {
        const workerId = await own(request)
        return { jobs: [...(await ledger.listHeld({ workerId, types: request.query.type }))] }
      },
    )

    app.post<{ Params: WorkerParams; Body: FindQueuedRequest }>(
      '/workers/:id/queued',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          body: FindQueuedRequest,
          response: { 200: FindQueuedResponse },
        },
      },
      async (request) => {
        await own(request)
        return { ids: [...(await ledger.listQueued(request.body))] }
      },
    )

    app.get<{ Params: WorkerParams; Querystring: WorkerTypesQuery }>(
      '/workers/:id/next-run',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          querystring: WorkerTypesQuery,
          response: { 200: NextRunResponse },
        },
      },
      async (request) => {
        await own(request)
        return { ms: await ledger.msToNextRun({ types: request.query.type }) }
      },
    )

    app.post<{ Params: WorkerParams; Body: ReleaseJobsRequest }>(
      '/workers/:id/releases',
      {
        schema: { hide: true, params: WorkerParams, body: ReleaseJobsRequest, response: none },
      },
      async (request, reply) => {
        const workerId = await own(request)
        const { attempts: only, error, excused = false } = request.body
        await ledger.release({ workerId, only, error, excused })
        return reply.code(204).send()
      },
    )

    app.post<{ Params: WorkerParams; Body: ReturnJobsRequest }>(
      '/workers/:id/returns',
      { schema: { hide: true, params: WorkerParams, body: ReturnJobsRequest, response: none } },
      async (request, reply) => {
        const workerId = await own(request)
        await ledger.giveBack({ workerId, attempts: request.body.attempts })
        return reply.code(204).send()
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: FailAttemptRequest }>(
      '/workers/:id/jobs/:job_id/attempts/:attempt/rejection',
      {
        schema: {
          hide: true,
          params: WorkerAttemptParams,
          body: FailAttemptRequest,
          response: { 200: FailAttemptResponse },
        },
      },
      async (request) => {
        const claim = await ownAttempt(request)
        const failed = await ledger.failAttempt({ ...claim, error: request.body.error })
        return { ended: failed !== null, delay_ms: failed?.delayMs ?? null }
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: FailJobRequest }>(
      '/workers/:id/jobs/:job_id/attempts/:attempt/failure',
      {
        schema: {
          hide: true,
          params: WorkerAttemptParams,
          body: FailJobRequest,
          response: { 200: FailJobResponse },
        },
      },
      async (request) => {
        const claim = await ownAttempt(request)
        const { error, result } = request.body
        // Refused here, and not as a fault of the server's.
        encode(result)
        return { ended: await ledger.failJob({ ...claim, error, result }) }
      },
    )

    app.post<{ Params: WorkerAttemptParams }>(
      '/workers/:id/jobs/:job_id/attempts/:attempt/expiry',
      { schema: { hide: true, params: WorkerAttemptParams, response: none } },
      async (request, reply) => {
        const { principal } = request
        const claim = claimOf(request.params)
        // Without the claim anybody could end what others hold, once its time is over.
        await requireOwnAttempt(deps.workerLedger, { principal, claim, orEnded: true })
        await ledger.expire(claim)
        return reply.code(204).send()
      },
    )
  }
}

/** A result as the ledger stores it; `invalid_request` where it does not. */
function encode(result: unknown): string | null {
  try {
    return encodeResult(result)
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) {
      throw new AppError('invalid_request', error.message)
    }
    throw error
  }
}
