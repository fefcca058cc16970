import {
  CreateDeploymentRequest,
  CreateDeploymentResponse,
  CurrentDeployment,
  Deployment,
  DeploymentHistoryQuery,
  DeploymentHistoryResponse,
  DeploymentPlaceParams,
  ListDeploymentsQuery,
  ListDeploymentsResponse,
  PreviewDeploymentRequest,
  PreviewDeploymentResponse,
  UpdateDeploymentStatusRequest,
} from '@slipway/contract/deployments'
import { Uuid } from '@slipway/contract/fields'
// For what it adds to Fastify's route schemas: operationId, tags, summary.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  createDeployment,
  type DeploymentsDeps,
  getCurrentDeployment,
  getDeployment,
  getDeploymentHistory,
  listDeployments,
  previewDeployment,
  reportDeployment,
} from '../../../deployments/index.ts'
import { refusals } from '../refusals.ts'

export interface DeploymentRoutesDeps {
  deployments: DeploymentsDeps
}

const DeploymentParams = Type.Object({ id: Uuid })

const placeOf = ({ environment, repo, project }: DeploymentPlaceParams) => ({
  environment,
  repository: repo,
  project,
})

/** `/v1/deployments` (API & Operations Reference, "Deployment APIs"). */
export function deploymentRoutes(deps: DeploymentRoutesDeps): FastifyPluginAsync {
  const { deployments } = deps
  return async (app) => {
    app.post<{ Body: CreateDeploymentRequest }>(
      '/deployments',
      {
        schema: {
          operationId: 'createDeployment',
          tags: ['Deployments'],
          summary: 'Deploy a release to an environment',
          description:
            'The commit is in the GitOps repository before this answers. An older release than the one before is a roll back.',
          body: CreateDeploymentRequest,
          response: {
            201: CreateDeploymentResponse,
            ...refusals({
              404: 'There is no such release or approval, or the token may not see it.',
              409: 'It is deployed there already, or an overlay in the GitOps repository is broken.',
              429: 'Too many requests, or 50 deployments are under way.',
              500: 'The commit did not get into the GitOps repository; the message says why. Nothing is deployed.',
            }),
          },
        },
      },
      async (request, reply) => {
        const { principal, body } = request
        const made = await createDeployment(deployments, { principal, request: body })
        return reply.code(201).header('location', `/v1/deployments/${made.id}`).send(made)
      },
    )

    app.post<{ Body: PreviewDeploymentRequest }>(
      '/deployments/preview',
      {
        schema: {
          operationId: 'previewDeployment',
          tags: ['Deployments'],
          summary: 'Show what deploying a release would change, without doing it',
          body: PreviewDeploymentRequest,
          response: {
            200: PreviewDeploymentResponse,
            ...refusals({
              404: 'There is no such release, or the token may not see it.',
              409: 'An overlay in the GitOps repository is broken.',
            }),
          },
        },
      },
      async (request) => {
        const { principal, body } = request
        return previewDeployment(deployments, { principal, request: body })
      },
    )

    app.get<{ Querystring: ListDeploymentsQuery }>(
      '/deployments',
      {
        schema: {
          operationId: 'listDeployments',
          tags: ['Deployments'],
          summary: 'List deployments everywhere, newest first',
          querystring: ListDeploymentsQuery,
          response: { 200: ListDeploymentsResponse },
        },
      },
      async (request) => {
        const { principal, query } = request
        return listDeployments(deployments, { principal, query })
      },
    )

    app.get<{ Params: { id: string } }>(
      '/deployments/:id',
      {
        schema: {
          operationId: 'getDeployment',
          tags: ['Deployments'],
          summary: 'Get a deployment by its id',
          params: DeploymentParams,
          response: { 200: Deployment },
        },
      },
      async (request) => {
        const { principal, params } = request
        return getDeployment(deployments, { principal, id: params.id })
      },
    )

    app.put<{ Params: { id: string }; Body: UpdateDeploymentStatusRequest }>(
      '/deployments/:id/status',
      {
        schema: {
          operationId: 'updateDeploymentStatus',
          tags: ['Deployments'],
          summary: 'Report whether a deployment is reconciled',
          description:
            'Where the server’s reconciler is `callback`. States only move forward: the same report again changes nothing.',
          params: DeploymentParams,
          body: UpdateDeploymentStatusRequest,
          response: {
            200: Deployment,
            ...refusals({
              409: 'It contradicts what is known, or the server’s reconciler is another.',
            }),
          },
        },
      },
      async (request) => {
        const { principal, params, body } = request
        return reportDeployment(deployments, { principal, id: params.id, report: body })
      },
    )

    app.get<{ Params: DeploymentPlaceParams }>(
      '/deployments/:environment/:repo/:project',
      {
        schema: {
          operationId: 'getCurrentDeployment',
          tags: ['Deployments'],
          summary: 'Get what is active of a project in an environment',
          params: DeploymentPlaceParams,
          response: { 200: CurrentDeployment },
        },
      },
      async (request) => {
        const { principal, params } = request
        return getCurrentDeployment(deployments, { principal, place: placeOf(params) })
      },
    )

    app.get<{ Params: DeploymentPlaceParams; Querystring: DeploymentHistoryQuery }>(
      '/deployments/:environment/:repo/:project/history',
      {
        schema: {
          operationId: 'getDeploymentHistory',
          tags: ['Deployments'],
          summary: 'List all deployments of a project to an environment, newest first',
          params: DeploymentPlaceParams,
          querystring: DeploymentHistoryQuery,
          response: { 200: DeploymentHistoryResponse },
        },
      },
      async (request) => {
        const { principal, params, query } = request
        const { limit = 20, offset = 0 } = query
        const place = placeOf(params)
        return getDeploymentHistory(deployments, { principal, place, limit, offset })
      },
    )
  }
}
