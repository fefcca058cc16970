import {
  DelegatedJobResponse,
  DelegateJobRequest,
  DelegateJobResponse,
  ListDelegatedJobsQuery,
  ListDelegatedJobsResponse,
} from '@slipway/contract/delegations'
import { Uuid } from '@slipway/contract/fields'
import type { ErrorObject } from 'ajv'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  cancelDelegation,
  delegateJob,
  getDelegation,
  listDelegations,
  type RunnersDeps,
} from '../../../runners/index.ts'
import { describeProblems } from '../../describe-problems.ts'
import { answerWith, metadataOf } from '../envelope.ts'
import { refusals } from '../refusals.ts'

export interface JobRoutesDeps {
  runners: RunnersDeps
  /** Of the server, for the envelope. */
  version: string
  /** Aborts when the server stops. */
  signal: AbortSignal
}

export const IdParams = Type.Object({ id: Uuid })
export type IdParams = { id: string }
const tags = ['Delegated jobs']

/** `/api/jobs`: delegated jobs, listed, shown and cancelled (GitHub-RunnerHub API Reference). */
export function jobRoutes(deps: JobRoutesDeps): FastifyPluginAsync {
  const { runners } = deps
  return async (app) => {
    app.post<{ Body: unknown }>(
      '/delegate',
      {
        // The room judges what a schema cannot, and all problems are told together.
        attachValidation: true,
        schema: {
          operationId: 'delegateJob',
          tags,
          summary: 'Delegate a job to an ephemeral container',
          description:
            'Its labels decide the runner class; one that none serves waits, and `metadata.reason` says why. ' +
            'Delegating the same attempt at a job again answers the same delegation.',
          body: DelegateJobRequest,
          response: {
            200: { ...DelegateJobResponse, description: 'It had been delegated before.' },
            201: DelegateJobResponse,
            ...refusals({ 400: 'The request is not valid; the error names every problem.' }),
          },
        },
      },
      async (request, reply) => {
        const { principal, body } = request
        const problems = problemsOf(request)
        const { id, status, isNew } = await delegateJob(runners, {
          principal,
          request: body,
          problems,
        })
        return reply
          .code(isNew ? 201 : 200)
          .header('location', `/api/jobs/${id}`)
          .send(answerWith(deps, { delegationId: id, status }))
      },
    )

    app.get<{ Querystring: ListDelegatedJobsQuery }>(
      '',
      {
        schema: {
          operationId: 'listDelegatedJobs',
          tags,
          summary: 'List the delegated jobs',
          description: 'Newest first.',
          querystring: ListDelegatedJobsQuery,
          response: { 200: ListDelegatedJobsResponse },
        },
      },
      async ({ principal, query }) => {
        const { jobs, pagination } = await listDelegations(runners, { principal, query })
        return { success: true, data: jobs, pagination, metadata: metadataOf(deps) }
      },
    )

    app.get<{ Params: IdParams }>(
      '/:id',
      {
        schema: {
          operationId: 'getDelegatedJob',
          tags,
          summary: 'Show a delegated job',
          params: IdParams,
          response: { 200: DelegatedJobResponse },
        },
      },
      async ({ principal, params }) =>
        answerWith(deps, await getDelegation(runners, { principal, id: params.id })),
    )

    app.post<{ Params: IdParams }>(
      '/:id/cancel',
      {
        schema: {
          operationId: 'cancelDelegatedJob',
          tags,
          summary: 'Cancel a delegated job',
          description: 'Its container is stopped and removed. Cancelling it again changes nothing.',
          params: IdParams,
          response: { 200: DelegatedJobResponse, ...refusals({ 409: 'It has ended already.' }) },
        },
      },
      async ({ principal, params }) => {
        const { id } = params
        await cancelDelegation(runners, { principal, id })
        return answerWith(deps, await getDelegation(runners, { principal, id }))
      },
    )
  }
}

function problemsOf({ validationError }: FastifyRequest): { path: string; message: string }[] {
  if (validationError === undefined) return []
  const errors = validationError.validation as ErrorObject[]
  return describeProblems(errors, validationError.validationContext).problems
}
