// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import { PassThrough, pipeline, Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import { serveUploadPack } from '../../git/index.ts'
import { answerInText } from './answer-in-text.ts'

export interface GitPluginDeps {
  deployments: {
    gitops: {
      /** A bare repository on this machine. */
      readonly directory: string
      /** It is the clone of one elsewhere, and not shown. */
      readonly remote: boolean
    }
  }
  /** Aborts when the server begins to stop: every answer ends then. */
  signal: AbortSignal
}

/** Of a request, unpacked: what a client has, and wants. */
const mostBytes = 64 * 1024 * 1024
const timeoutMs = 600_000
/** Answers that are under way at once; each is a process that packs objects. */
const mostAtOnce = 16

/**
 * `/git`: the embedded GitOps repository, to be read by git over HTTP (gitprotocol-http(5), "smart").
 * Nothing can be pushed.
 */
export function gitPlugin(deps: GitPluginDeps): FastifyPluginAsync {
  let open = 0

  /** Answers with the output of one git process. */
  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    input: { head: string; body?: Readable; type: string },
  ): Promise<FastifyReply> {
    const { gitops } = deps.deployments
    if (request.principal.repositories !== null) {
      throw new AppError(
        'authorization_failed',
        'This token is limited to repositories; the GitOps repository has something of all of them',
      )
    }
    if (gitops.remote) {
      throw new AppError(
        'resource_not_found',
        'This server keeps its GitOps repository elsewhere (GITOPS_REPOSITORY_URL)',
      )
    }
    if (open >= mostAtOnce) {
      throw new AppError('unavailable', 'Too many clients read this repository at once')
    }
    // Its end would never be heard of.
    if (reply.raw.destroyed) throw new AppError('unavailable', 'The client has gone')
    open += 1
    const gone = new AbortController()
    reply.raw.once('close', () => {
      open -= 1
      gone.abort()
    })
    const output = serveUploadPack({
      directory: gitops.directory,
      ...(input.body === undefined ? {} : { request: input.body }),
      protocol: String(request.headers['git-protocol'] ?? ''),
      signal: AbortSignal.any([deps.signal, gone.signal]),
      timeoutMs,
    })
    void reply.header('cache-control', 'no-cache, max-age=0, must-revalidate').type(input.type)
    const body = new PassThrough()
    body.write(input.head)
    // Either end that breaks off ends the other.
    pipeline(output, body, ignore)
    return reply.send(body)
  }

  return async (app) => {
    answerInText(app)
    app.addContentTypeParser('application/x-git-upload-pack-request', (_request, payload, done) =>
      done(null, payload),
    )

    app.get<{ Querystring: Record<string, unknown> }>(
      '/gitops.git/info/refs',
      { exposeHeadRoute: false, schema: { hide: true } },
      async (request, reply) => {
        const { service } = request.query
        if (service !== 'git-upload-pack') {
          throw new AppError(
            'authorization_failed',
            'This repository can only be read, by git 1.6.6 or later',
          )
        }
        const isNew = request.headers['git-protocol'] === 'version=2'
        return answer(request, reply, {
          head: isNew ? '' : '001e# service=git-upload-pack\n0000',
          type: 'application/x-git-upload-pack-advertisement',
        })
      },
    )

    app.post<{ Body: Readable | undefined }>(
      '/gitops.git/git-upload-pack',
      { schema: { hide: true } },
      async (request, reply) => {
        const { body } = request
        if (!(body instanceof Readable)) {
          throw new AppError('unsupported_media_type', 'This is not a request of git’s')
        }
        return answer(request, reply, {
          head: '',
          body: unpacked(body, request.headers['content-encoding']),
          type: 'application/x-git-upload-pack-result',
        })
      },
    )
  }
}

/** The request as git wrote it, and no more of it than is taken. */
function unpacked(body: Readable, encoding: string | undefined): Readable {
  let size = 0
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      done(size > mostBytes ? new Error('the request is too large') : null, chunk)
    },
  })
  const isPacked = encoding === 'gzip' || encoding === 'x-gzip'
  return isPacked
    ? pipeline(body, createGunzip(), limited, ignore)
    : pipeline(body, limited, ignore)
}

function ignore(): void {}
