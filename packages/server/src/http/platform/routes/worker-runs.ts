import type {
  ArtifactJob,
  DeploymentJob,
  DiscoveryJob,
  ReleaseJob,
  TaskJob,
} from '@slipway/contract/jobs'
import { WorkerAttemptParams, workerLimits } from '@slipway/contract/worker-api'
import {
  type BeginTaskResponse,
  CompleteArtifactRequest,
  CompleteDiscoveryRequest,
  type DeployReleaseResponse,
  type LocateRepositoryResponse,
  ReadSecretsRequest,
  type ReadSecretsResponse,
  ReportTaskRequest,
} from '@slipway/contract/worker-runs'
// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { UnaskedDeployment } from '../../../deployments/index.ts'
import { type JobClaim, requireOwnAttempt } from '../../../jobs/index.ts'
import type { RunRelease } from '../../../releases/index.ts'
import type { RepositoryLocation } from '../../../repositories/index.ts'
import type {
  Attempt,
  Discovery,
  ProducedArtifact,
  RunSecrets,
  WorkReport,
} from '../../../runs/index.ts'
import { answeredByWork } from './answered-by-work.ts'
import { claimOf } from './claim-of.ts'
import { streamLongWork } from './stream-long-work.ts'
import type { WorkerRoutesDeps } from './workers.ts'

export interface WorkerRunRoutesDeps extends WorkerRoutesDeps {
  /** What this server does for its own worker. */
  workerRuns: {
    completeDiscovery(input: {
      runId: string
      claim: JobClaim
      discovery: Discovery
    }): Promise<void>
    locateRepository(input: { claim: JobClaim }): Promise<RepositoryLocation>
    beginAttempt(input: { taskId: string; claim: JobClaim }): Promise<Attempt>
    readSecrets(input: { claim: JobClaim; names: readonly string[] }): Promise<RunSecrets>
    reportWork(input: { taskId: string; claim: JobClaim; report: WorkReport }): Promise<void>
    deploy(input: {
      releaseId: string
      environment: string
      claim: JobClaim
    }): Promise<UnaskedDeployment>
    completeArtifact(input: {
      taskId: string
      claim: JobClaim
      attempt: number
      artifact: ProducedArtifact
    }): Promise<void>
    createRelease(
      input: {
        runId: string
        repository: string
        project: string
        commitSha: string
        claim: JobClaim
      },
      signal: AbortSignal,
    ): Promise<RunRelease>
  }
  /** Aborts when the server stops. */
  signal: AbortSignal
}

type AttemptRequest = FastifyRequest<{ Params: WorkerAttemptParams }>

const none = { 204: Type.Null() }
const base = '/workers/:id/jobs/:job_id/attempts/:attempt'
const ofTasks = ['task', 'artifact', 'release']

/**
 * What a worker of another machine tells of the jobs of runs and asks for them. What a job is about is read
 * from the ledger, never from the request: whoever holds one gets nothing of another.
 */
export function workerRunRoutes(deps: WorkerRunRoutesDeps): FastifyPluginAsync {
  const control = deps.workerRuns
  const held = async <Payload>(
    { principal, params }: AttemptRequest,
    type: string | readonly string[],
    orEnded = false,
  ) => {
    const claim = claimOf(params)
    const asked = { principal, claim, type, orEnded }
    const job = await requireOwnAttempt(deps.workerLedger, asked)
    return { claim, payload: job.payload as Payload }
  }
  return async (app) => {
    app.post<{ Params: WorkerAttemptParams; Body: CompleteDiscoveryRequest }>(
      `${base}/discovery`,
      {
        bodyLimit: workerLimits.discoveryBytes,
        schema: {
          hide: true,
          params: WorkerAttemptParams,
          body: CompleteDiscoveryRequest,
          response: none,
        },
      },
      async (request, reply) => {
        const { claim, payload } = await held<DiscoveryJob>(request, 'discovery')
        const { discovery } = request.body
        await answeredByWork(control.completeDiscovery({ runId: payload.run_id, claim, discovery }))
        return reply.code(204).send()
      },
    )

    app.get<{ Params: WorkerAttemptParams }>(
      `${base}/repository`,
      { schema: { hide: true, params: WorkerAttemptParams } },
      async (request, reply): Promise<LocateRepositoryResponse> => {
        const { claim } = await held(request, ['discovery', ...ofTasks])
        void reply.header('cache-control', 'no-store')
        return { location: await answeredByWork(control.locateRepository({ claim })) }
      },
    )

    app.post<{ Params: WorkerAttemptParams }>(
      `${base}/task`,
      { schema: { hide: true, params: WorkerAttemptParams } },
      async (request): Promise<BeginTaskResponse> => {
        const { claim, payload } = await held<TaskJob>(request, ofTasks)
        const attempt = control.beginAttempt({ taskId: payload.task_id, claim })
        return { attempt: await answeredByWork(attempt) }
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: ReadSecretsRequest }>(
      `${base}/secrets`,
      { schema: { hide: true, params: WorkerAttemptParams, body: ReadSecretsRequest } },
      async (request, reply): Promise<ReadSecretsResponse> => {
        const { claim } = await held(request, ofTasks)
        void reply.header('cache-control', 'no-store')
        return answeredByWork(control.readSecrets({ claim, names: request.body.names }))
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: ReportTaskRequest }>(
      `${base}/report`,
      {
        schema: {
          hide: true,
          params: WorkerAttemptParams,
          body: ReportTaskRequest,
          response: none,
        },
      },
      async (request, reply) => {
        // The last report ends the job: where its answer was lost, it comes again.
        const { claim, payload } = await held<TaskJob>(request, ofTasks, true)
        const { report } = request.body
        await answeredByWork(control.reportWork({ taskId: payload.task_id, claim, report }))
        return reply.code(204).send()
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: CompleteArtifactRequest }>(
      `${base}/artifact`,
      {
        schema: {
          hide: true,
          params: WorkerAttemptParams,
          body: CompleteArtifactRequest,
          response: none,
        },
      },
      async (request, reply) => {
        const { claim, payload } = await held<ArtifactJob>(request, 'artifact')
        const taskId = payload.task_id
        await answeredByWork(control.completeArtifact({ taskId, claim, ...request.body }))
        return reply.code(204).send()
      },
    )

    app.post<{ Params: WorkerAttemptParams }>(
      `${base}/release`,
      { schema: { hide: true, params: WorkerAttemptParams } },
      async (request, reply) => {
        const { claim, payload } = await held<ReleaseJob>(request, 'release')
        const { run_id: runId, repository, project, commit_sha: commitSha } = payload
        const input = { runId, repository, project, commitSha, claim }
        const work = (signal: AbortSignal) => control.createRelease(input, signal)
        return streamLongWork({ request, reply }, { work, signal: deps.signal })
      },
    )

    app.post<{ Params: WorkerAttemptParams }>(
      `${base}/deployment`,
      { schema: { hide: true, params: WorkerAttemptParams } },
      async (request): Promise<DeployReleaseResponse> => {
        const { claim, payload } = await held<DeploymentJob>(request, 'deployment')
        const { release_id: releaseId, environment } = payload
        const deployment = control.deploy({ releaseId, environment, claim })
        return { deployment: await answeredByWork(deployment) }
      },
    )
  }
}
