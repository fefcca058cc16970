import { RepositoryName, Uuid } from '@slipway/contract/fields'
import {
  CreateReleaseRequest,
  CreateReleaseResponse,
  ListReleasesQuery,
  ListReleasesResponse,
  ProjectName,
  Release,
  ReleaseReference,
} from '@slipway/contract/releases'
// For what it adds to Fastify's route schemas: operationId, tags, summary.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync } from 'fastify'
import Type from 'typebox'
import {
  createRelease,
  getRelease,
  listReleases,
  lookUpRelease,
  type ReleasesDeps,
} from '../../../releases/index.ts'
import { refusals } from '../refusals.ts'

export interface ReleaseRoutesDeps {
  releases: ReleasesDeps
  /** Aborts when the server stops. */
  signal: AbortSignal
}

/** Milliseconds that git and the registry may take to make a release. */
const createMs = 25_000

const ProjectParams = Type.Object({ repo: RepositoryName, project: ProjectName })
const ReleaseParams = Type.Object({
  repo: RepositoryName,
  project: ProjectName,
  release: ReleaseReference,
})
const IdParams = Type.Object({ id: Uuid })

const inPaths = 'In the path, the repository is `owner%2Fname`; `owner/name` is taken for the same.'

/** `/v1/releases` (API & Operations Reference, "Release APIs"). */
export function releaseRoutes(deps: ReleaseRoutesDeps): FastifyPluginAsync {
  const { releases } = deps
  return async (app) => {
    app.post<{ Body: CreateReleaseRequest }>(
      '/releases',
      {
        schema: {
          operationId: 'createRelease',
          tags: ['Releases'],
          summary: 'Release a project at a commit',
          description:
            'It is pushed as an OCI artifact, then stored under the project’s next number, which has no gaps. Users make releases by hand, where the project’s `release.on` has `manual`; service accounts those that a run asks for. Without artifacts, those that the run made are taken; without a run, those of the newest successful run of the commit.',
          body: CreateReleaseRequest,
          response: {
            201: CreateReleaseResponse,
            ...refusals({
              404: 'There is no such commit, project or run.',
              409: 'The commit has a release (`details.release_id`), the abbreviated commit is ambiguous, or the run is not done.',
              503: 'Git or the registry could not be reached.',
            }),
          },
        },
      },
      async ({ principal, body }, reply) => {
        const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(createMs)])
        const release = await createRelease(releases, { principal, request: body }, signal)
        return reply.code(201).header('location', `/v1/releases/${release.id}`).send(release)
      },
    )

    app.get<{ Params: { id: string } }>(
      '/releases/:id',
      {
        schema: {
          operationId: 'getReleaseById',
          tags: ['Releases'],
          summary: 'Get a release by its id',
          params: IdParams,
          response: { 200: Release },
        },
      },
      async ({ principal, params }) => getRelease(releases, { principal, id: params.id }),
    )

    app.get<{ Params: { repo: string; project: string }; Querystring: ListReleasesQuery }>(
      '/releases/:repo/:project',
      {
        schema: {
          operationId: 'listReleases',
          tags: ['Releases'],
          summary: 'List a project’s releases, newest first',
          description: inPaths,
          params: ProjectParams,
          querystring: ListReleasesQuery,
          response: { 200: ListReleasesResponse },
        },
      },
      async ({ principal, params, query }) => {
        const { repo: repository, project } = params
        const { limit = 20, offset = 0 } = query
        return listReleases(releases, { principal, repository, project, limit, offset })
      },
    )

    app.get<{ Params: { repo: string; project: string; release: string } }>(
      '/releases/:repo/:project/:release',
      {
        schema: {
          operationId: 'getRelease',
          tags: ['Releases'],
          summary: 'Get a release by alias, number or commit',
          description: `Looked for in this order: alias, number, commit SHA, unique beginning of one. ${inPaths}`,
          params: ReleaseParams,
          response: {
            200: Release,
            ...refusals({ 409: 'The abbreviated commit is ambiguous; `details.candidates`.' }),
          },
        },
      },
      async ({ principal, params }) => {
        const { repo: repository, project, release: reference } = params
        return lookUpRelease(releases, { principal, repository, project, reference })
      },
    )
  }
}
