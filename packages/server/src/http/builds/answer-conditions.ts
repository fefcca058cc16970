/** Whether an `If-None-Match` header (RFC 9110, 13.1.2) names this strong entity tag. */
export function namesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((tag) => tag.replace(/^W\//, '') === etag)
}

/** Whether `If-Range` (RFC 9110, 13.1.5) lets a range be answered: absent, this tag, or exactly this date. */
export function allowsRange(
  header: string | undefined,
  is: { etag: string; modifiedAt: Date },
): boolean {
  if (header === undefined) return true
  const value = header.trim()
  return value === is.etag || value === is.modifiedAt.toUTCString()
}

/** `Content-Disposition` (RFC 6266) of a file to be stored under this name. */
export function asAttachment(fileName: string): string {
  const plain = fileName.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_')
  const encoded = encodeURIComponent(fileName.replaceAll('\ufffd', '_')).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
