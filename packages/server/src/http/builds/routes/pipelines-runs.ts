import { Readable } from 'node:stream'
import {
  BuildResponse,
  CreateBuildRequest,
  ListBuildsQuery,
  ListBuildsResponse,
} from '@slipway/contract/builds'
import { IntegerId } from '@slipway/contract/credentials'
import type { ErrorObject } from 'ajv'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  type BuildsDeps,
  cancelBuild,
  createBuild,
  getBuild,
  listBuilds,
  retryBuild,
} from '../../../builds/index.ts'
import { describeProblems } from '../../describe-problems.ts'
import { openStreams } from '../../platform/routes/open-streams.ts'
import { cutStalled } from '../../cut-stalled.ts'
import { refusals } from '../refusals.ts'

export interface BuildRoutesDeps {
  builds: BuildsDeps
  /** Aborts when the server stops. */
  signal: AbortSignal
}

export const BuildParams = Type.Object({ id: IntegerId })
export type BuildParams = { id: number }
export const runsPath = '/pipelines/runs'
const success = true as const
const tags = ['Builds']
/** Lists that are being sent at once: each holds some builds with their logs, however slowly it is read. */
const listLimits = { perPrincipal: 20, total: 200 }

/** `/api/pipelines/runs`: builds, which the document calls pipeline runs. */
export function buildRoutes({ builds, signal }: BuildRoutesDeps): FastifyPluginAsync {
  const open = openStreams(listLimits)
  return async (app) => {
    app.get<{ Querystring: ListBuildsQuery }>(
      runsPath,
      {
        schema: {
          operationId: 'listBuilds',
          tags,
          summary: 'List the builds',
          description:
            'Newest first. Without `limit` all of them are sent, as they are read: a build may change meanwhile.',
          querystring: ListBuildsQuery,
          response: { 200: ListBuildsResponse },
        },
      },
      async (request, reply) => {
        const { principal, query, method } = request
        const { status, limit, offset } = query
        const release = open(principal.id)
        const listed = await listBuilds(builds, { principal, status, limit, offset }).catch(
          (error: unknown) => {
            release()
            throw error
          },
        )
        // A body of a HEAD would be read to its end, and thrown away.
        const pieces = method === 'HEAD' ? [] : writeList(listed, signal)
        const body = Readable.from(pieces, { objectMode: false }).once('close', release)
        cutStalled(reply)
        return reply.type('application/json; charset=utf-8').send(body)
      },
    )

    app.post<{ Body: unknown }>(
      runsPath,
      {
        // The rooms judge what a schema cannot, and all problems are told together.
        attachValidation: true,
        schema: {
          operationId: 'createBuild',
          tags,
          summary: 'Create a build',
          description:
            'It waits until it is executed. Steps run in their fixed order, however they are given.',
          body: CreateBuildRequest,
          response: {
            201: BuildResponse,
            ...refusals({
              400: 'The request is not valid; the message names every problem.',
              404: 'Something that the request names by its id does not exist.',
            }),
          },
        },
      },
      async (request, reply) => {
        const { principal, body } = request
        const problems = problemsOf(request)
        const build = await createBuild(builds, { principal, request: body, problems })
        return reply
          .code(201)
          .header('location', `/api${runsPath}/${build.id}`)
          .send({ success, pipeline_run: build })
      },
    )

    app.get<{ Params: BuildParams }>(
      `${runsPath}/:id`,
      {
        schema: {
          operationId: 'getBuild',
          tags,
          summary: 'Show a build',
          params: BuildParams,
          response: { 200: BuildResponse },
        },
      },
      async ({ principal, params }) => ({
        success,
        pipeline_run: await getBuild(builds, { principal, id: params.id }),
      }),
    )

    app.post<{ Params: BuildParams }>(
      `${runsPath}/:id/cancel`,
      {
        schema: {
          operationId: 'cancelBuild',
          tags,
          summary: 'Cancel a build',
          description: 'Cancelling it again changes nothing.',
          params: BuildParams,
          response: { 200: BuildResponse, ...refusals({ 409: 'It has ended already.' }) },
        },
      },
      async ({ principal, params }) => ({
        success,
        pipeline_run: await cancelBuild(builds, { principal, id: params.id }),
      }),
    )

    app.post<{ Params: BuildParams }>(
      `${runsPath}/:id/retry`,
      {
        schema: {
          operationId: 'retryBuild',
          tags,
          summary: 'Build it again',
          description:
            'Makes a new build of what this one was asked for, and executes it without waiting for its end.',
          params: BuildParams,
          response: {
            201: BuildResponse,
            ...refusals({
              400: 'What it refers to has been archived meanwhile.',
              409: 'It has not ended yet.',
            }),
          },
        },
      },
      async ({ principal, params }, reply) => {
        const build = await retryBuild(builds, { principal, id: params.id })
        return reply
          .code(201)
          .header('location', `/api${runsPath}/${build.id}`)
          .send({ success, pipeline_run: build })
      },
    )
  }
}

/** The answer in pieces; how many there were is known at its end. */
async function* writeList(
  { total, batches }: Awaited<ReturnType<typeof listBuilds>>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let count = 0
  yield '{"success":true,"runs":['
  for await (const batch of batches) {
    signal.throwIfAborted()
    for (const build of batch) {
      yield (count === 0 ? '' : ',') + JSON.stringify(build)
      count += 1
    }
  }
  yield `],"count":${count},"total":${total}}`
}

function problemsOf({ validationError }: FastifyRequest): { path: string; message: string }[] {
  if (validationError === undefined) return []
  const errors = validationError.validation as ErrorObject[]
  return describeProblems(errors, validationError.validationContext).problems
}
