/**
 * Where `{repo}` stands: the segments between the prefix and it, and how many there must be from it on,
 * owner and name as two: with fewer there is nothing that could be a repository and what follows it.
 */
const places = [
  { prefix: '/v1/releases/', before: 0, atLeast: 3 },
  { prefix: '/v1/deployments/', before: 1, atLeast: 3 },
  { prefix: '/api/v2/pipelines/history/', before: 0, atLeast: 2 },
] as const

/**
 * Joins `owner/name` to `owner%2Fname`, the form that routes with a `{repo}` know, where a client
 * wrote the slash as it is: `/v1/releases/acme/shop/api/42` becomes `/v1/releases/acme%2Fshop/api/42`.
 * A segment that holds an encoded slash is a repository already. Nothing is decoded and nothing else
 * is changed, so whatever is wrong with the path is found by the route.
 */
export function rewriteRepositoryPath(url: string): string {
  const place = places.find(({ prefix }) => url.startsWith(prefix))
  if (place === undefined) return url
  const end = url.search(/[?#]/)
  const path = end === -1 ? url : url.slice(0, end)
  const segments = path.slice(place.prefix.length).split('/')
  const before = segments.slice(0, place.before)
  const [owner = '', name = '', ...rest] = segments.slice(place.before)
  if (segments.length - place.before < place.atLeast) return url
  if (owner === '' || name === '' || /%2f/i.test(owner)) return url
  return (
    place.prefix + [...before, `${owner}%2F${name}`, ...rest].join('/') + url.slice(path.length)
  )
}
