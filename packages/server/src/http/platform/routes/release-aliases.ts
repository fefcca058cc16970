import { RepositoryName } from '@slipway/contract/fields'
import {
  CustomAlias,
  ProjectName,
  ReleaseReference,
  SetAliasQuery,
  SetAliasResponse,
} from '@slipway/contract/releases'
// For what it adds to Fastify's route schemas: operationId, tags, summary.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import { deleteAlias, setAlias } from '../../../releases/index.ts'
import { refusals } from '../refusals.ts'
import type { ReleaseRoutesDeps } from './releases.ts'

const path = '/releases/:repo/:project/:release/aliases/:alias'

const ofRelease = { repo: RepositoryName, project: ProjectName, release: ReleaseReference }
const SetParams = Type.Object({ ...ofRelease, alias: CustomAlias })
// Any alias may be named here, to be told why it stays.
const DeleteParams = Type.Object({ ...ofRelease, alias: ReleaseReference })

interface AliasParams {
  repo: string
  project: string
  release: string
  alias: string
}

/** Names of one's own for releases. */
export function releaseAliasRoutes({
  releases,
}: Pick<ReleaseRoutesDeps, 'releases'>): FastifyPluginAsync {
  return async (app) => {
    app.put<{ Params: AliasParams; Querystring: SetAliasQuery }>(
      path,
      {
        schema: {
          operationId: 'setReleaseAlias',
          tags: ['Releases'],
          summary: 'Give a release a name of one’s own',
          description:
            'It is unique in the project. Repeating it changes nothing; with `move=true` it leaves the release that it names now.',
          params: SetParams,
          querystring: SetAliasQuery,
          response: {
            200: SetAliasResponse,
            ...refusals({
              409: 'It names another release, and `move` is not given or it is that of a tag or branch.',
            }),
          },
        },
      },
      async ({ principal, params, query }) => {
        const { repo: repository, project, release: reference, alias } = params
        const { move = false } = query
        return setAlias(releases, { principal, repository, project, reference, alias, move })
      },
    )

    app.delete<{ Params: AliasParams }>(
      path,
      {
        schema: {
          operationId: 'deleteReleaseAlias',
          tags: ['Releases'],
          summary: 'Take a name of one’s own away from a release',
          params: DeleteParams,
          response: {
            204: Type.Null({ description: 'The release no longer has the alias.' }),
            ...refusals({ 409: 'It is the release’s number, tag or branch.' }),
          },
        },
      },
      async ({ principal, params }, reply) => {
        const { repo: repository, project, release: reference, alias } = params
        await deleteAlias(releases, { principal, repository, project, reference, alias })
        return reply.code(204).send()
      },
    )
  }
}
