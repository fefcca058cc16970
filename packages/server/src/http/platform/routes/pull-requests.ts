import { Uuid } from '@slipway/contract/fields'
import { ListPullRequestsQuery, ListPullRequestsResponse } from '@slipway/contract/github'
import { CreateRunResponse } from '@slipway/contract/runs'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import { approvePullRequest, type GithubDeps, listPullRequests } from '../../../github/index.ts'
import { refusals } from '../refusals.ts'

export interface PullRequestRoutesDeps {
  github: GithubDeps
}

const Params = Type.Object({ id: Uuid })

/** `/v1/pull-requests`: what strangers offer, and who lets it run. */
export function pullRequestRoutes({ github }: PullRequestRoutesDeps): FastifyPluginAsync {
  const tags = ['GitHub']
  return async (app) => {
    app.get<{ Querystring: ListPullRequestsQuery }>(
      '/pull-requests',
      {
        schema: {
          operationId: 'listPullRequests',
          tags,
          summary: 'List pull requests from forks, newest first',
          description: 'One entry for each commit that was offered; `waiting` ones can be let run.',
          querystring: ListPullRequestsQuery,
          response: { 200: ListPullRequestsResponse },
        },
      },
      async ({ principal, query }) => {
        const { repository, status, limit = 20, offset = 0 } = query
        return listPullRequests(github, { principal, repository, status, limit, offset })
      },
    )

    app.post<{ Params: { id: string } }>(
      '/pull-requests/:id/approve',
      {
        schema: {
          operationId: 'approvePullRequest',
          tags,
          summary: 'Let a commit of a fork run',
          description: 'Its run gets no secrets. Another commit of the pull request waits again.',
          params: Params,
          response: {
            201: CreateRunResponse,
            ...refusals({
              409: 'It does not wait any longer, or the commit has an active run.',
            }),
          },
        },
      },
      async ({ principal, params }, reply) => {
        const run = await approvePullRequest(github, { principal, id: params.id })
        return reply.code(201).header('location', `/v1/runs/${run.id}`).send(run)
      },
    )
  }
}
