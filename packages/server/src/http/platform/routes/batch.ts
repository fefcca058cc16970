import {
  BatchApproveRequest,
  BatchApproveResponse,
  BatchCancelRequest,
  BatchCancelResponse,
  BatchPromoteRequest,
  BatchPromoteResponse,
} from '@slipway/contract/batch'
import type { FastifyPluginAsync } from 'fastify'
import type { Kysely } from 'kysely'
import { openAuditLog } from '../../../access/index.ts'
import { type ApprovalsDeps, createApproval } from '../../../approvals/index.ts'
import type { Tables } from '../../../db/tables.gen.ts'
import { createDeployment, type DeploymentsDeps } from '../../../deployments/index.ts'
import { AppError } from '../../../errors.ts'
import { cancelRun, type RunsDeps } from '../../../runs/index.ts'
import { runBatch } from '../run-batch.ts'

export interface BatchRoutesDeps {
  db: Kysely<Tables>
  runs: RunsDeps
  approvals: ApprovalsDeps
  deployments: DeploymentsDeps
}

const description =
  'Each item is judged by itself, by the rules and rights of the single call, and answered in the order given; one that fails does not stop the others.'

/** `/v1/batch`: one call for many. */
export function batchRoutes(deps: BatchRoutesDeps): FastifyPluginAsync {
  const audit = openAuditLog({ db: deps.db })
  return async (app) => {
    app.post<{ Body: BatchCancelRequest }>(
      '/batch/cancel',
      {
        schema: {
          operationId: 'batchCancel',
          tags: ['Batch'],
          summary: 'Cancel many runs',
          description,
          body: BatchCancelRequest,
          response: { 200: BatchCancelResponse },
        },
      },
      async (request) =>
        runBatch(audit, {
          request,
          ids: request.body.run_ids,
          success: 204,
          resource: (id) => `/v1/runs/${id}`,
          each: (runId) => cancelRun(deps.runs, { principal: request.principal, runId }),
        }),
    )

    app.post<{ Body: BatchApproveRequest }>(
      '/batch/approve',
      {
        schema: {
          operationId: 'batchApprove',
          tags: ['Batch'],
          summary: 'Approve many releases for an environment',
          description,
          body: BatchApproveRequest,
          response: { 200: BatchApproveResponse },
        },
      },
      async (request) => {
        const { principal, body } = request
        const { environment, justification } = body
        return runBatch(audit, {
          request,
          ids: body.release_ids,
          success: 201,
          resource: (id) => `/v1/approvals/${id}/${environment}`,
          each: (release_id) =>
            createApproval(deps.approvals, {
              principal,
              request: { release_id, environment, justification },
            }),
        })
      },
    )

    app.post<{ Body: BatchPromoteRequest }>(
      '/batch/promote',
      {
        schema: {
          operationId: 'batchPromote',
          tags: ['Batch'],
          summary: 'Deploy many releases to an environment',
          description,
          body: BatchPromoteRequest,
          response: { 200: BatchPromoteResponse },
        },
      },
      async (request) => {
        const { principal, body } = request
        const { environment, release_ids } = body
        const approvals = approvalsOf(body)
        return runBatch(audit, {
          request,
          ids: release_ids,
          success: 201,
          resource: (id) => `/v1/releases/${id}?environment=${environment}`,
          each: (release_id) => {
            const approval_id = approvals.get(release_id.toLowerCase())
            return createDeployment(deps.deployments, {
              principal,
              request: {
                release_id,
                environment,
                ...(approval_id === undefined ? {} : { approval_id }),
              },
            })
          },
        })
      },
    )
  }
}

/** By release; an approval of a release that is not among those to be deployed is a mistake. */
function approvalsOf({ release_ids, approval_ids = {} }: BatchPromoteRequest): Map<string, string> {
  const ids = new Set(release_ids.map((id) => id.toLowerCase()))
  const problems = Object.keys(approval_ids)
    .filter((id) => !ids.has(id.toLowerCase()))
    .map((id) => ({ path: `/approval_ids/${id}`, message: 'is not among release_ids' }))
  if (problems.length > 0) {
    throw new AppError('invalid_request', 'Approvals are named of releases that are not', {
      problems,
    })
  }
  return new Map(Object.entries(approval_ids).map(([id, approval]) => [id.toLowerCase(), approval]))
}
