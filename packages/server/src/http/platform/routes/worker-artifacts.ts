import type { Readable } from 'node:stream'
import type { ArtifactJob } from '@slipway/contract/jobs'
import { WorkerAttemptParams } from '@slipway/contract/worker-api'
import {
  mostBlobBytes,
  PublisherLoginRequest,
  type PublisherLoginResponse,
  PutWorkerManifestRequest,
  type PutWorkerManifestResponse,
  SignDigestRequest,
  type SignDigestResponse,
  WorkerBlobParams,
  WorkerManifestQuery,
  type WorkerManifestResponse,
} from '@slipway/contract/worker-artifacts'
// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { AppError } from '../../../errors.ts'
import { requireOwnAttempt } from '../../../jobs/index.ts'
import { ociName } from '../../../oci/index.ts'
import type { Registries } from '../../../ports/registry.ts'
import type { ChosenPublisher } from '../../../runs/index.ts'
import type { SignedDigest } from '../../../signing/index.ts'
import { cutStalled } from '../../cut-stalled.ts'
import { answeredByWork } from './answered-by-work.ts'
import { claimOf } from './claim-of.ts'
import type { WorkerRoutesDeps } from './workers.ts'

export interface WorkerArtifactRoutesDeps extends WorkerRoutesDeps {
  workerArtifacts: {
    registries: Pick<Registries, 'home'>
    /** Publishers that the artifact of a task names; `resource_not_found` where one is none. */
    publishersOf(job: ArtifactJob): Promise<readonly ChosenPublisher[]>
    /** Opens a stored credential for whoever has chosen the publisher; `askedBy` as in a publication. */
    openLogin(
      use: PublisherLoginRequest['use'],
      input: { name: string; askedBy: string | null },
    ): Promise<PublisherLoginResponse['login']>
    /** Null: nothing is signed. */
    sign: ((input: SignedDigest) => string) | null
  }
  /** Aborts when the server stops. */
  signal: AbortSignal
}

const base = '/workers/:id/jobs/:job_id/attempts/:attempt'
/** Milliseconds without a byte after which a body is given up. */
const idleMs = 120_000
/** Bytes of a request with a manifest. */
const manifestBodyBytes = 8 * 1024 * 1024

/**
 * What a worker of another machine needs to make the artifact whose job it holds: the artifact's repository in
 * the home registry, logins of the publishers that the artifact names, and signatures.
 */
export function workerArtifactRoutes(deps: WorkerArtifactRoutesDeps): FastifyPluginAsync {
  const held = async ({ principal, params }: FastifyRequest<{ Params: WorkerAttemptParams }>) => {
    const claim = claimOf(params)
    const asked = { principal, claim, type: 'artifact' }
    const { payload } = await requireOwnAttempt(deps.workerLedger, asked)
    const job = payload as ArtifactJob
    const { home } = deps.workerArtifacts.registries
    return { job, home, repository: ociName(job.repository, job.project, job.artifact) }
  }
  return async (app) => {
    app.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body))

    app.head<{ Params: WorkerBlobParams }>(
      `${base}/blobs/:digest`,
      { schema: { hide: true, params: WorkerBlobParams } },
      async (request, reply) => {
        const { home, repository } = await held(request)
        const { digest } = request.params
        const blob = await answeredByWork(home.getBlob(repository, digest, deps.signal))
        if (blob === null) throw noBlob(digest)
        blob.body.destroy()
        return reply.header('content-length', blob.size).send()
      },
    )

    app.get<{ Params: WorkerBlobParams }>(
      `${base}/blobs/:digest`,
      { exposeHeadRoute: false, schema: { hide: true, params: WorkerBlobParams } },
      async (request, reply) => {
        const { home, repository } = await held(request)
        const { digest } = request.params
        const signal = AbortSignal.any([deps.signal, untilGone(reply)])
        const blob = await answeredByWork(home.getBlob(repository, digest, signal))
        if (blob === null) throw noBlob(digest)
        cutStalled(reply)
        return reply
          .type('application/octet-stream')
          .header('content-length', blob.size)
          .send(blob.body)
      },
    )

    app.put<{ Params: WorkerBlobParams; Body: Readable | null }>(
      `${base}/blobs/:digest`,
      {
        schema: { hide: true, params: WorkerBlobParams, response: { 204: Type.Null() } },
      },
      async (request, reply) => {
        const { home, repository } = await held(request)
        const { body, params } = request
        const size = Number(request.headers['content-length'] ?? Number.NaN)
        if (body === null || !Number.isSafeInteger(size)) {
          throw new AppError('invalid_request', 'A blob comes as bytes with a Content-Length')
        }
        // Limits of bodies are for those that are read whole.
        if (size > mostBlobBytes) {
          throw new AppError('payload_too_large', `A blob has at most ${mostBlobBytes} bytes`)
        }
        let isRead = false
        const open = () => {
          // The registry tries again; what came from the worker can only be read once.
          if (isRead) throw new AppError('unavailable', 'The registry did not take the blob')
          isRead = true
          return whileItComes(body)
        }
        const signal = AbortSignal.any([deps.signal, untilGone(reply)])
        const blob = { digest: params.digest, size, open }
        try {
          await answeredByWork(home.putBlob(repository, blob, signal))
        } finally {
          // One that was there already has not been read.
          request.raw.resume()
        }
        return reply.code(204).send()
      },
    )

    app.get<{ Params: WorkerAttemptParams; Querystring: WorkerManifestQuery }>(
      `${base}/manifest`,
      { schema: { hide: true, params: WorkerAttemptParams, querystring: WorkerManifestQuery } },
      async (request): Promise<WorkerManifestResponse> => {
        const { home, repository } = await held(request)
        const { reference } = request.query
        const found = await answeredByWork(home.getManifest(repository, reference, deps.signal))
        if (found === null) return { manifest: null }
        const { digest, mediaType, content } = found
        return { manifest: { digest, mediaType, content: content.toString('base64') } }
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: PutWorkerManifestRequest }>(
      `${base}/manifest`,
      {
        bodyLimit: manifestBodyBytes,
        schema: { hide: true, params: WorkerAttemptParams, body: PutWorkerManifestRequest },
      },
      async (request): Promise<PutWorkerManifestResponse> => {
        const { home, repository } = await held(request)
        const { mediaType, content, tags } = request.body
        const manifest = { mediaType, tags, content: Buffer.from(content, 'base64') }
        const digest = home.putManifest(repository, manifest, deps.signal)
        return { digest: await answeredByWork(digest) }
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: PublisherLoginRequest }>(
      `${base}/publisher-login`,
      { schema: { hide: true, params: WorkerAttemptParams, body: PublisherLoginRequest } },
      async (request, reply): Promise<PublisherLoginResponse> => {
        const { job } = await held(request)
        const { credential, by, use } = request.body
        const askedBy = by === 'server' ? null : job.repository
        const chosen = await deps.workerArtifacts.publishersOf(job)
        const isNamed = chosen.some(
          (each) => each.credentials === credential && each.askedBy === askedBy,
        )
        if (!isNamed) {
          throw new AppError(
            'authorization_failed',
            `No publisher of ${job.artifact} has the credentials ${credential}`,
          )
        }
        void reply.header('cache-control', 'no-store')
        const opened = deps.workerArtifacts.openLogin(use, { name: credential, askedBy })
        return { login: await answeredByWork(opened) }
      },
    )

    app.post<{ Params: WorkerAttemptParams; Body: SignDigestRequest }>(
      `${base}/signature`,
      { schema: { hide: true, params: WorkerAttemptParams, body: SignDigestRequest } },
      async (request): Promise<SignDigestResponse> => {
        const { job, home, repository } = await held(request)
        const { reference, digest } = request.body
        const { sign, publishersOf } = deps.workerArtifacts
        if (sign === null) throw new AppError('invalid_request', 'This server signs nothing')
        const chosen = (await publishersOf(job)).map((each) => each.with['registry'])
        const places = [home.base, ...chosen].map((registry) => `${String(registry)}/${repository}`)
        if (!places.includes(reference)) {
          throw new AppError('authorization_failed', `${job.artifact} is not at ${reference}`)
        }
        return { signature: sign({ reference, digest }) }
      },
    )
  }
}

/** A body that is given up where nothing comes any more. */
function whileItComes(body: Readable): Readable {
  const giveUp = () => void body.destroy(new AppError('unavailable', 'The blob did not come whole'))
  const timer = setTimeout(giveUp, idleMs)
  body.on('data', () => void timer.refresh())
  body.pause()
  body.once('close', () => clearTimeout(timer))
  return body
}

function noBlob(digest: string): AppError {
  return new AppError('resource_not_found', `The artifact’s repository has no blob ${digest}`)
}

/** Aborts when whoever asked is gone. */
function untilGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => gone.abort(new Error('whoever asked is gone')))
  return gone.signal
}
