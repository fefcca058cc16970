import {
  HookMessage,
  PrepareJobContainerRequest,
  PullJobImageRequest,
  RemovedJobContainer,
  RunInJobContainerRequest,
  RunStepContainerRequest,
} from '@slipway/contract/runner-hooks'
import type { FastifyPluginAsync } from 'fastify'
import { AppError } from '../../../errors.ts'
import {
  type HookDeps,
  prepareJobContainer,
  pullJobImage,
  removeJobContainers,
  runInJobContainer,
  runStepContainer,
} from '../../../runners/index.ts'
import { openStreams } from '../../platform/routes/open-streams.ts'
import { answerWith } from '../envelope.ts'
import { refusals } from '../refusals.ts'
import { streamWork } from '../stream-work.ts'
import { IdParams } from './jobs.ts'

export interface HookRoutesDeps {
  /** Absent: this server has no engine that jobs run on. */
  hooks?: HookDeps
  /** Of the server, for the envelope. */
  version: string
  /** Aborts when the server stops. */
  signal: AbortSignal
}

/** Of one job, and of this server. */
const streamLimits = { perPrincipal: 16, total: 2_000 }
const tags = ['Delegated jobs']
const stream = {
  200: {
    description:
      'JSON lines; the last is `done` or `failed`. An answer that ends with neither has broken off.',
    content: { 'application/x-ndjson': { schema: HookMessage } },
  },
}
const conflict = { 409: 'The container of the job does not run, or not for hooks.' }

/** What the container hooks of a proxy runner ask for, once they have delegated a job. */
export function hookRoutes(deps: HookRoutesDeps): FastifyPluginAsync {
  const open = openStreams(streamLimits)
  const requireHooks = (): HookDeps => {
    if (deps.hooks !== undefined) return deps.hooks
    throw new AppError('unavailable', 'This server has no engine that jobs run on')
  }
  return async (app) => {
    app.post<{ Body: PullJobImageRequest }>(
      '/pull',
      {
        schema: {
          operationId: 'pullJobImage',
          tags,
          summary: 'Pull the image of a job as somebody',
          description:
            'For images that only some may have, before a job is delegated that runs in one.',
          body: PullJobImageRequest,
          response: stream,
        },
      },
      async (request, reply) => {
        const { principal, body } = request
        const work = pullJobImage(requireHooks(), { principal, request: body })
        const release = open(principal.id)
        return streamWork({ request, reply }, { work, release, signal: deps.signal })
      },
    )

    app.post<{ Params: IdParams; Body: PrepareJobContainerRequest }>(
      '/:id/container',
      {
        schema: {
          operationId: 'prepareJobContainer',
          tags,
          summary: 'Wait for a job’s container and start its services',
          description:
            '`result` is {container: {id, network}, services: [{id, network, ports}], isAlpine}.',
          params: IdParams,
          body: PrepareJobContainerRequest,
          response: { ...stream, ...refusals(conflict) },
        },
      },
      async (request, reply) => {
        const { principal, params, body } = request
        const asked = { principal, id: params.id, request: body }
        const work = await prepareJobContainer(requireHooks(), asked)
        const release = open(params.id)
        return streamWork({ request, reply }, { work, release, signal: deps.signal })
      },
    )

    app.post<{ Params: IdParams; Body: RunInJobContainerRequest }>(
      '/:id/exec',
      {
        schema: {
          operationId: 'runInJobContainer',
          tags,
          summary: 'Run a command in a job’s container',
          description:
            '`result` is {exitCode}. The command is ended when the request is. Nothing of it is stored.',
          params: IdParams,
          body: RunInJobContainerRequest,
          response: { ...stream, ...refusals(conflict) },
        },
      },
      async (request, reply) => {
        const { principal, params, body } = request
        const asked = { principal, id: params.id, request: body }
        const work = await runInJobContainer(requireHooks(), asked)
        const release = open(params.id)
        return streamWork({ request, reply }, { work, release, signal: deps.signal })
      },
    )

    app.post<{ Params: IdParams; Body: RunStepContainerRequest }>(
      '/:id/step-container',
      {
        schema: {
          operationId: 'runStepContainer',
          tags,
          summary: 'Run a container beside a job’s own',
          description:
            '`result` is {exitCode}. It is removed at its end, and when the request ends. Nothing of it is stored.',
          params: IdParams,
          body: RunStepContainerRequest,
          response: { ...stream, ...refusals(conflict) },
        },
      },
      async (request, reply) => {
        const { principal, params, body } = request
        const asked = { principal, id: params.id, request: body }
        const work = await runStepContainer(requireHooks(), asked)
        const release = open(params.id)
        return streamWork({ request, reply }, { work, release, signal: deps.signal })
      },
    )

    app.delete<{ Params: IdParams }>(
      '/:id/container',
      {
        schema: {
          operationId: 'removeJobContainer',
          tags,
          summary: 'Remove the containers of a job',
          description:
            'Its own and those beside it. A job that has not ended ends as its proxy said, else as cancelled. ' +
            'Repeating it is harmless.',
          params: IdParams,
          response: { 200: RemovedJobContainer, ...refusals(conflict) },
        },
      },
      async ({ principal, params }) => {
        const asked = { principal, id: params.id }
        return answerWith(deps, await removeJobContainers(requireHooks(), asked, deps.signal))
      },
    )
  }
}
