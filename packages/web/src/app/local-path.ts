/** A path of this site, as it was given; `/` for whatever would lead elsewhere. */
export function localPath(value: unknown): string {
  if (typeof value !== 'string' || !/^\/(?![/\\])/.test(value)) return '/'
  if (!URL.canParse(value, 'http://here.invalid')) return '/'
  const url = new URL(value, 'http://here.invalid')
  // `/.//elsewhere` is of this host, and leads elsewhere once its dots are gone.
  if (url.pathname.startsWith('//')) return '/'
  return url.host === 'here.invalid' ? url.pathname + url.search + url.hash : '/'
}
