/** No server of this name is asked; it shows whether a path leads away from the server it is taken from. */
const here = 'http://here.invalid'

/**
 * The path of this server that a browser may be sent back to, as it may stand in a `Location`; null for
 * what would lead elsewhere, in whatever way a browser might read it.
 */
export function returnPath(text: string): string | null {
  if (!/^\/[\u0021-\u007e]*$/.test(text) || text.includes('\\')) return null
  if (!URL.canParse(text, here)) return null
  const { origin, pathname, search, hash } = new URL(text, here)
  if (origin !== here || pathname.startsWith('//')) return null
  return `${pathname}${search}${hash}`
}

/** The same path, with one more parameter in its query. */
export function withParameter(path: string, name: string, value: string): string {
  const url = new URL(path, here)
  url.searchParams.set(name, value)
  return `${url.pathname}${url.search}${url.hash}`
}
