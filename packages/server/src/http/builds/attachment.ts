import type { FastifyReply } from 'fastify'
import { asAttachment } from './answer-conditions.ts'

/**
 * Headers of a file that somebody has uploaded: it is saved, never shown, and should it be shown all
 * the same, it may do nothing. Its name is sent as RFC 6266 says.
 */
export function sendAsAttachment(
  reply: FastifyReply,
  file: { name: string; contentType: string; sizeBytes?: number; sha256?: string },
): FastifyReply {
  const { name, contentType, sizeBytes, sha256 } = file
  void reply
    .type(contentType)
    .header('content-disposition', asAttachment(name))
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "default-src 'none'; sandbox; frame-ancestors 'none'")
    .header('cache-control', 'private, no-cache')
  if (sizeBytes !== undefined) void reply.header('content-length', sizeBytes)
  if (sha256 !== undefined) void reply.header('etag', `"${sha256}"`)
  return reply
}
