import { addAbortSignal, Readable } from 'node:stream'
import { ListBuildOutputsResponse } from '@slipway/contract/builds'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  countDownload,
  type Download,
  fileIsGone,
  findDownload,
  listOutputs,
} from '../../../builds/index.ts'
import { parseByteRange } from '../../platform/routes/byte-range.ts'
import { allowsRange, asAttachment, namesTag } from '../answer-conditions.ts'
import { cutStalled } from '../../cut-stalled.ts'
import { refusals } from '../refusals.ts'
import { BuildParams, type BuildRoutesDeps, runsPath } from './pipelines-runs.ts'

const tags = ['Builds']
const downloadPath = '/pipelines/outputs/:id/download'
const file = { 'application/zip': { schema: Type.String({ format: 'binary' }) } }

/** What builds have made, and its download. */
export function buildOutputRoutes(deps: BuildRoutesDeps): FastifyPluginAsync {
  const { builds } = deps
  return async (app) => {
    app.get<{ Params: BuildParams }>(
      `${runsPath}/:id/outputs`,
      {
        schema: {
          operationId: 'listBuildOutputs',
          tags,
          summary: 'List what a build has made',
          params: BuildParams,
          response: { 200: ListBuildOutputsResponse },
        },
      },
      async ({ principal, params }) => {
        const outputs = await listOutputs(builds, { principal, buildId: params.id })
        return { success: true as const, build_outputs: outputs, count: outputs.length }
      },
    )

    app.get<{ Params: BuildParams }>(
      downloadPath,
      {
        exposeHeadRoute: false,
        schema: {
          operationId: 'downloadBuildOutput',
          tags,
          summary: 'Download a ZIP',
          description:
            'With its SHA-256 as `Repr-Digest` (RFC 9530) and as `ETag`; byte ranges are answered, so that a download can go on. ' +
            'It is counted when the last byte of the file has been sent: once for a whole file, once for a file in parts.',
          params: BuildParams,
          response: {
            200: { description: 'The file.', content: file },
            206: { description: 'Part of the file.', content: file },
            304: { description: 'The client has it.', type: 'null' },
            ...refusals({
              400: 'It is an image, which is pulled from where it is.',
              404: 'There is no such output, or its file is not in the store.',
              410: 'It has expired.',
              416: 'The file has no such part.',
            }),
          },
        },
      },
      (request, reply) => sendDownload(deps, request, reply),
    )

    app.head<{ Params: BuildParams }>(
      downloadPath,
      { schema: { hide: true, params: BuildParams } },
      (request, reply) => sendDownload(deps, request, reply),
    )
  }
}

type DownloadRequest = FastifyRequest<{ Params: BuildParams }>

async function sendDownload(
  { builds, signal }: BuildRoutesDeps,
  request: DownloadRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { principal, params, headers, method } = request
  const download = await findDownload(builds, { principal, outputId: params.id })
  const { sizeBytes: size, createdAt: modifiedAt } = download
  const etag = describeFile(reply, download)
  if (namesTag(headers['if-none-match'], etag)) return reply.code(304).send()
  if (method === 'HEAD') return reply.header('content-length', size).send()
  const [condition] = [headers['if-range']].flat()
  const asked = allowsRange(condition, { etag, modifiedAt }) ? headers.range : undefined
  const range = asked === undefined ? null : parseByteRange(asked, size)
  if (range === 'unsatisfiable') {
    const message = `The file has ${size} bytes, and not those of the range`
    return reply
      .code(416)
      .headers({ 'content-range': `bytes */${size}`, 'content-disposition': 'inline' })
      .type('application/json; charset=utf-8')
      .serializer((body: unknown) => JSON.stringify(body))
      .send({ error: 'Download error', message })
  }
  const { start, end } = range ?? { start: 0, end: size - 1 }
  const body =
    size === 0 ? Readable.from([]) : await builds.objects.get(download.objectKey, { start, end })
  if (body === null) throw fileIsGone(download.outputId)
  if (range !== null) void reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`)
  addAbortSignal(signal, body)
  cutStalled(reply)
  if (end === size - 1) countWhenSent(builds, request, reply, download)
  return reply.header('content-length', end - start + 1).send(body)
}

/** What is said of the file whatever of it is sent; answers its entity tag. */
function describeFile(reply: FastifyReply, download: Download): string {
  const etag = `"${download.sha256}"`
  const digest = Buffer.from(download.sha256, 'hex').toString('base64')
  void reply.type('application/zip').headers({
    etag,
    'last-modified': download.createdAt.toUTCString(),
    'accept-ranges': 'bytes',
    'repr-digest': `sha-256=:${digest}:`,
    'content-disposition': asAttachment(download.fileName),
    'cache-control': 'private, no-cache, no-transform',
  })
  return etag
}

/** Counts when the last byte has left; what breaks off before is none. */
function countWhenSent(
  builds: BuildRoutesDeps['builds'],
  request: DownloadRequest,
  reply: FastifyReply,
  { outputId }: Download,
): void {
  reply.raw.once('finish', () => {
    countDownload(builds, { outputId }).catch((err: unknown) =>
      request.log.warn({ err, output_id: outputId }, 'a download could not be counted'),
    )
  })
}
