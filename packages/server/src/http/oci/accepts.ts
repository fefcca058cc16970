/** Whether an `Accept` header (RFC 9110, 12.5.1) takes a media type; without one everything is taken. */
export function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined || header.trim() === '') return true
  const [kind] = mediaType.split('/')
  const taken = new Set(['*/*', `${kind}/*`, mediaType])
  return header.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return taken.has(type) && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
}
