import type { FastifyReply } from 'fastify'

/**
 * Headers of a file that somebody has uploaded: it is saved, never shown, and should it be shown all
 * the same, it may do nothing. Its name is sent as RFC 6266 says.
 */
export function sendAsAttachment(
  reply: FastifyReply,
  file: { name: string; contentType: string; sizeBytes?: number; sha256?: string },
): FastifyReply {
  const { name, contentType, sizeBytes, sha256 } = file
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_')
  const encoded = encodeURIComponent(name.replaceAll('\ufffd', '_')).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  void reply
    .type(contentType)
    .header('content-disposition', `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`)
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "default-src 'none'; sandbox; frame-ancestors 'none'")
    .header('cache-control', 'private, no-cache')
  if (sizeBytes !== undefined) void reply.header('content-length', sizeBytes)
  if (sha256 !== undefined) void reply.header('etag', `"${sha256}"`)
  return reply
}
