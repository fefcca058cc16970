import type { FastifyReply, FastifyRequest } from 'fastify'
import { mediaTypes, parseManifest } from '../../oci/index.ts'
import type { NamePage, ServedRegistry } from '../../ports/registry.ts'
import { OciRefusal } from './refusal.ts'

type ListRequest = FastifyRequest<{ Querystring: Record<string, unknown> }>

const mostNames = 1_000
/** Each of them is read as a whole. */
const mostReferrers = 50

/** `GET /v2/_catalog`. */
export async function listCatalog(
  store: ServedRegistry,
  request: ListRequest,
  reply: FastifyReply,
) {
  const { page, limit } = readPage(request, mostNames)
  const found = limit === 0 ? [] : await store.listRepositories(page)
  const repositories = linkNext(request, reply, found, limit, (name) => name)
  return reply.send({ repositories })
}

/** `GET /v2/<name>/tags/list`. */
export async function listTags(
  store: ServedRegistry,
  name: string,
  request: ListRequest,
  reply: FastifyReply,
) {
  const { page, limit } = readPage(request, mostNames)
  const found = await store.listTags(name, page)
  if (found === null) throw new OciRefusal(404, 'NAME_UNKNOWN', `There is no repository ${name}`)
  const tags = linkNext(request, reply, limit === 0 ? [] : found, limit, (tag) => tag)
  return reply.send({ name, tags })
}

/** `GET /v2/<name>/referrers/<digest>`; empty for what is not there, as the specification says. */
export async function listReferrers(
  store: ServedRegistry,
  { name, digest }: { name: string; digest: string },
  request: ListRequest,
  reply: FastifyReply,
) {
  const { page, limit } = readPage(request, mostReferrers)
  const { artifactType } = request.query
  const type = typeof artifactType === 'string' && artifactType !== '' ? artifactType : null
  const found = await store.listReferrers(name, digest, { ...page, artifactType: type })
  const shown = linkNext(request, reply, found, limit, (manifest) => manifest.digest)
  if (type !== null) void reply.header('oci-filters-applied', 'artifactType')
  const manifests = shown.map((manifest) => {
    const { annotations } = parseManifest(manifest)
    return {
      mediaType: manifest.mediaType,
      digest: manifest.digest,
      size: manifest.content.length,
      ...(manifest.artifactType === null ? {} : { artifactType: manifest.artifactType }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    }
  })
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests }
  return reply.type(mediaTypes.index).send(JSON.stringify(index))
}

/** One more is asked for than is shown, which tells whether there is a next page. */
function readPage({ query }: ListRequest, most: number): { page: NamePage; limit: number } {
  const { n, last } = query
  if (n !== undefined && (typeof n !== 'string' || !/^\d{1,9}$/.test(n))) {
    throw new OciRefusal(400, 'UNSUPPORTED', 'n is not a number of results', { n })
  }
  const limit = Math.min(n === undefined ? most : Number(n), most)
  const after = typeof last === 'string' && last !== '' ? last.slice(0, 512) : null
  return { page: { after, limit: limit + 1 }, limit }
}

function linkNext<T>(
  { url }: ListRequest,
  reply: FastifyReply,
  found: readonly T[],
  limit: number,
  nameOf: (item: T) => string,
): readonly T[] {
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  if (found.length > limit && last !== undefined) {
    const next = new URL(url, 'http://unused')
    next.searchParams.set('n', String(limit))
    next.searchParams.set('last', nameOf(last))
    void reply.header('link', `<${next.pathname}${next.search}>; rel="next"`)
  }
  return shown
}
