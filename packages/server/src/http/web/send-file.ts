import { createReadStream } from 'node:fs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { DashboardFile } from './dashboard-files.ts'

/** In the best of the encodings that are there and that the client takes. */
export function sendFile(
  file: DashboardFile,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const accepted = String(request.headers['accept-encoding'] ?? '')
  // `br;q=0` refuses it.
  const encoded = file.encoded.find(({ encoding }) =>
    new RegExp(`\\b${encoding}\\b(?!\\s*;\\s*q=0(?:\\.0*)?\\s*(?:,|$))`).test(accepted),
  )
  if (encoded !== undefined) reply.header('content-encoding', encoded.encoding)
  return reply
    .header('vary', 'accept-encoding')
    .header('content-length', encoded?.size ?? file.size)
    .type(file.type)
    .send(createReadStream(encoded?.path ?? file.path))
}
