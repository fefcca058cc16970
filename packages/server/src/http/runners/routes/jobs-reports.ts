import {
  ProxyCompleteRequest,
  UpdateDelegatedJobRequest,
  UpdateDelegatedJobResponse,
} from '@slipway/contract/delegations'
import { DoneAnswer } from '@slipway/contract/runner-answers'
import type { FastifyPluginAsync } from 'fastify'
import { completeForProxy, updateDelegation } from '../../../runners/index.ts'
import { answerWith, metadataOf } from '../envelope.ts'
import { refusals } from '../refusals.ts'
import { IdParams, type JobRoutesDeps } from './jobs.ts'

const tags = ['Delegated jobs']

/** What runners and proxies say of the jobs they have (GitHub-RunnerHub API Reference). */
export function jobReportRoutes(deps: JobRoutesDeps): FastifyPluginAsync {
  const { runners } = deps
  return async (app) => {
    app.patch<{ Params: IdParams; Body: UpdateDelegatedJobRequest }>(
      '/:id/status',
      {
        schema: {
          operationId: 'updateDelegatedJobStatus',
          tags,
          summary: 'Report the status of a job',
          description:
            'For service accounts. A status only moves forward; repeating one is harmless.',
          params: IdParams,
          body: UpdateDelegatedJobRequest,
          response: {
            200: UpdateDelegatedJobResponse,
            ...refusals({
              409: 'It contradicts what is known, or a worker of this server looks after the container.',
            }),
          },
        },
      },
      async ({ principal, params, body }) => {
        const { id, status, updatedAt } = await updateDelegation(runners, {
          principal,
          id: params.id,
          report: body,
        })
        return answerWith(deps, { id, status, updatedAt: updatedAt.toISOString() })
      },
    )

    app.post<{ Params: IdParams; Body: ProxyCompleteRequest }>(
      '/:id/proxy-complete',
      {
        schema: {
          operationId: 'completeDelegatedJobForProxy',
          tags,
          summary: 'Say that a job is over for its proxy runner',
          description:
            'Kept beside the status. It ends a job that no container was begun for, and lets one that idles for the ' +
            'proxy end; any other container is not ended by it.',
          params: IdParams,
          body: ProxyCompleteRequest,
          response: {
            200: DoneAnswer,
            ...refusals({ 409: 'The job is another one, or the proxy said otherwise before.' }),
          },
        },
      },
      async ({ principal, params, body }) => {
        await completeForProxy(runners, { principal, id: params.id, request: body })
        return { success: true, metadata: metadataOf(deps) }
      },
    )
  }
}
