// For what it adds to Fastify's route schemas: hide.
import type {} from '@fastify/swagger'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { ServedRegistry } from '../../ports/registry.ts'
import { parseByteRange } from '../platform/routes/byte-range.ts'
import { accepts } from './accepts.ts'
import { answerInOci } from './answer-in-oci.ts'
import { canSeeName } from './can-see-name.ts'
import { listCatalog, listReferrers, listTags } from './list-answers.ts'
import { parsePath } from './parse-path.ts'
import { OciRefusal } from './refusal.ts'

export interface OciPluginDeps {
  store: ServedRegistry
  /** Aborts when the server begins to stop. */
  signal: AbortSignal
}

/** Milliseconds in which a client must have taken something of a blob, or it is let go. */
const stallMs = 120_000
const hidden = { schema: { hide: true } }

/**
 * `/v2/`: the embedded OCI store, to be read by any OCI client (OCI Distribution Specification 1.1,
 * "Pull" and "Content Discovery"). What is pushed is refused: releases and artifacts are made by runs.
 */
export function ociPlugin(deps: OciPluginDeps): FastifyPluginAsync {
  return async (app) => {
    answerInOci(app)
    app.addHook('onRequest', (_request, reply, done) => {
      // Older clients tell the protocol by it.
      void reply.header('docker-distribution-api-version', 'registry/2.0')
      done()
    })

    app.get('/', { ...hidden, prefixTrailingSlash: 'slash' }, async (_request, reply) =>
      reply.send({}),
    )

    app.route<{ Params: { '*': string }; Querystring: Record<string, unknown> }>({
      method: ['GET', 'HEAD'],
      url: '/*',
      ...hidden,
      handler: async (request, reply) => answer(deps, request, reply),
    })

    app.route({
      method: ['POST', 'PUT', 'PATCH', 'DELETE'],
      url: '/*',
      ...hidden,
      // Before the body, of which nothing is read.
      onRequest: async (_request, reply) => {
        void reply.header('allow', 'GET, HEAD').header('connection', 'close')
        throw new OciRefusal(
          405,
          'UNSUPPORTED',
          'This store can only be read: releases and artifacts get here through runs',
        )
      },
      handler: async () => {},
    })
  }
}

type OciRequest = FastifyRequest<{
  Params: { '*': string }
  Querystring: Record<string, unknown>
}>

async function answer(
  deps: OciPluginDeps,
  request: OciRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { store } = deps
  const target = parsePath(request.params['*'])
  if (target.kind === 'catalog') {
    if (request.principal.repositories === null) return listCatalog(store, request, reply)
    throw new OciRefusal(
      403,
      'DENIED',
      'This token is limited to repositories; the catalog has something of all of them',
    )
  }
  if (!canSeeName(request.principal, target.name)) {
    throw new OciRefusal(404, 'NAME_UNKNOWN', `There is no repository ${target.name}`)
  }
  switch (target.kind) {
    case 'tags':
      return listTags(store, target.name, request, reply)
    case 'referrers':
      return listReferrers(store, target, request, reply)
    case 'manifest':
      return sendManifest(deps, target, request, reply)
    case 'blob':
      return sendBlob(deps, target, request, reply)
  }
}

async function sendManifest(
  { store, signal }: OciPluginDeps,
  { name, reference }: { name: string; reference: string },
  request: OciRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const found = await store.getManifest(name, reference, signal)
  if (found === null) {
    throw new OciRefusal(404, 'MANIFEST_UNKNOWN', `${name} has no manifest ${reference}`)
  }
  const { digest, mediaType, content } = found
  if (!accepts(request.headers.accept, mediaType)) {
    throw new OciRefusal(
      404,
      'MANIFEST_UNKNOWN',
      `The manifest ${reference} is of the type ${mediaType}, which is not accepted`,
    )
  }
  return reply
    .header('docker-content-digest', digest)
    .header('content-length', content.length)
    .type(mediaType)
    .send(content)
}

async function sendBlob(
  { store, signal }: OciPluginDeps,
  { name, digest }: { name: string; digest: string },
  request: OciRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const size = await store.blobSize(name, digest)
  if (size === null) throw new OciRefusal(404, 'BLOB_UNKNOWN', `${name} has no blob ${digest}`)
  void reply
    .header('docker-content-digest', digest)
    .header('accept-ranges', 'bytes')
    // What a digest names never changes.
    .header('cache-control', 'private, max-age=31536000, immutable')
    .type('application/octet-stream')
  if (request.method === 'HEAD') return reply.header('content-length', size).send()
  const asked = request.headers.range
  const range = asked === undefined ? null : parseByteRange(asked, size)
  if (range === 'unsatisfiable') {
    return reply.code(416).header('content-range', `bytes */${size}`).send()
  }
  const found = await store.getBlob(name, digest, signal, range ?? undefined)
  if (found === null) throw new OciRefusal(404, 'BLOB_UNKNOWN', `${name} has no blob ${digest}`)
  if (range !== null) {
    void reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${size}`)
  }
  const length = range === null ? size : range.end - range.start + 1
  reply.raw.setTimeout(stallMs, () => reply.raw.destroy())
  return reply.header('content-length', length).send(found.body)
}
