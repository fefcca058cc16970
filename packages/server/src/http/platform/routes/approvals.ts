import {
  Approval,
  ApprovalParams,
  CreateApprovalRequest,
  CreateApprovalResponse,
  ListApprovalsQuery,
  ListApprovalsResponse,
} from '@slipway/contract/approvals'
import { Uuid } from '@slipway/contract/fields'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  type ApprovalsDeps,
  createApproval,
  getApproval,
  listApprovals,
  revokeApproval,
} from '../../../approvals/index.ts'
import { refusals } from '../refusals.ts'

export interface ApprovalRoutesDeps {
  approvals: ApprovalsDeps
}

const RevokeParams = Type.Object({ id: Uuid })

/** `/v1/approvals` (API & Operations Reference, "Approval APIs"). */
export function approvalRoutes(deps: ApprovalRoutesDeps): FastifyPluginAsync {
  const { approvals } = deps
  return async (app) => {
    app.post<{ Body: CreateApprovalRequest }>(
      '/approvals',
      {
        schema: {
          operationId: 'createApproval',
          tags: ['Approvals'],
          summary: 'Approve a release for an environment',
          description:
            'Whose approval counts and how long it holds is the environment’s policy. Where none is needed it is on record all the same.',
          body: CreateApprovalRequest,
          response: {
            201: CreateApprovalResponse,
            ...refusals({
              404: 'There is no such release.',
              409: 'The caller’s own approval is still active; its id is in `details`.',
            }),
          },
        },
      },
      async ({ principal, body }, reply) => {
        const approval = await createApproval(approvals, { principal, request: body })
        const path = `/v1/approvals/${body.release_id}/${body.environment}`
        return reply.code(201).header('location', path).send(approval)
      },
    )

    app.get<{ Querystring: ListApprovalsQuery }>(
      '/approvals',
      {
        schema: {
          operationId: 'listApprovals',
          tags: ['Approvals'],
          summary: 'List approvals, newest first',
          querystring: ListApprovalsQuery,
          response: { 200: ListApprovalsResponse },
        },
      },
      async ({ principal, query }) => {
        const { release_id: releaseId, environment, status, limit = 20, offset = 0 } = query
        const filter = { principal, releaseId, environment, status }
        return listApprovals(approvals, { ...filter, limit, offset })
      },
    )

    app.get<{ Params: ApprovalParams }>(
      '/approvals/:release_id/:environment',
      {
        schema: {
          operationId: 'getApproval',
          tags: ['Approvals'],
          summary: 'Get the approval of a release for an environment',
          description:
            'The newest active one, else the newest of all, with how many the policy counts and how many it asks for.',
          params: ApprovalParams,
          response: {
            200: Approval,
            ...refusals({ 404: 'There is no approval, or no such release.' }),
          },
        },
      },
      async ({ principal, params }) => {
        const { release_id: releaseId, environment } = params
        return getApproval(approvals, { principal, releaseId, environment })
      },
    )

    app.delete<{ Params: { id: string } }>(
      '/approvals/:id',
      {
        schema: {
          operationId: 'revokeApproval',
          tags: ['Approvals'],
          summary: 'Revoke an approval',
          description:
            'One’s own, or as operator or administrator any. What was deployed by it stays deployed. Repeating it changes nothing.',
          params: RevokeParams,
          response: {
            204: Type.Null({ description: 'The approval is revoked.' }),
            ...refusals({
              404: 'There is no such approval.',
              409: 'The approval has expired.',
            }),
          },
        },
      },
      async ({ principal, params }, reply) => {
        await revokeApproval(approvals, { principal, id: params.id })
        return reply.code(204).send()
      },
    )
  }
}
