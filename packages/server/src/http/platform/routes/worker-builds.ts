import type { BuildJob } from '@slipway/contract/jobs'
import { WorkerAttemptParams, WorkerParams } from '@slipway/contract/worker-api'
import {
  type BeginBuildResponse,
  type BuildRegistryResponse,
  CompleteBuildRequest,
  FindUnneededImagesRequest,
  FindUnneededImagesResponse,
  ReportBuildStepRequest,
} from '@slipway/contract/worker-builds'
// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { BuildControl } from '../../../builds/index.ts'
import { requireOwnAttempt, requireOwnWorker } from '../../../jobs/index.ts'
import { answeredByWork } from './answered-by-work.ts'
import { claimOf } from './claim-of.ts'
import type { WorkerRoutesDeps } from './workers.ts'

export interface WorkerBuildRoutesDeps extends WorkerRoutesDeps {
  /** What this server does for its own worker. */
  workerBuilds: BuildControl
}

const none = { 204: Type.Null() }
const base = '/workers/:id/jobs/:job_id/attempts/:attempt/build'

/** What a worker of another machine tells of the build whose job it holds, and asks for it. */
export function workerBuildRoutes(deps: WorkerBuildRoutesDeps): FastifyPluginAsync {
  const control = deps.workerBuilds
  const held = async ({ principal, params }: FastifyRequest<{ Params: WorkerAttemptParams }>) => {
    const claim = claimOf(params)
    const asked = { principal, claim, type: 'build' }
    const { payload } = await requireOwnAttempt(deps.workerLedger, asked)
    return { claim, buildId: (payload as BuildJob).build_id }
  }
  return async (app) => {
    app.post<{ Params: WorkerAttemptParams }>(
      base,
      { schema: { hide: true, params: WorkerAttemptParams } },
      async (request, reply): Promise<BeginBuildResponse> => {
        void reply.header('cache-control', 'no-store')
        return { attempt: await answeredByWork(control.beginBuild(await held(request))) }
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: ReportBuildStepRequest }>(
      `${base}/step`,
      {
        schema: {
          hide: true,
          params: WorkerAttemptParams,
          body: ReportBuildStepRequest,
          response: none,
        },
      },
      async (request, reply) => {
        const build = await held(request)
        await answeredByWork(control.reportBuildStep({ ...build, ...request.body }))
        return reply.code(204).send()
      },
    )

    app.post<{ Params: WorkerAttemptParams }>(
      `${base}/registry`,
      { schema: { hide: true, params: WorkerAttemptParams } },
      async (request, reply): Promise<BuildRegistryResponse> => {
        void reply.header('cache-control', 'no-store')
        return { login: await answeredByWork(control.openBuildRegistry(await held(request))) }
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: CompleteBuildRequest }>(
      `${base}/result`,
      {
        schema: {
          hide: true,
          params: WorkerAttemptParams,
          body: CompleteBuildRequest,
          response: none,
        },
      },
      async (request, reply) => {
        const build = await held(request)
        await answeredByWork(control.completeBuild({ ...build, result: request.body.result }))
        return reply.code(204).send()
      },
    )

    app.post<{ Params: WorkerParams; Body: FindUnneededImagesRequest }>(
      '/workers/:id/unneeded-images',
      {
        schema: {
          hide: true,
          params: WorkerParams,
          body: FindUnneededImagesRequest,
          response: { 200: FindUnneededImagesResponse },
        },
      },
      async ({ principal, params, body }) => {
        await requireOwnWorker(deps.workerLedger, { principal, workerId: params.id })
        return { jobs: [...(await control.findUnneededImages(body.jobs))] }
      },
    )
  }
}
