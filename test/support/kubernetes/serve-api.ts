import type { IncomingMessage, ServerResponse } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { AccessQuestion } from './access-rules.ts'
import { type ClusterObject, StatusError } from './cluster-object.ts'
import type { ClusterStore, DeleteOptions } from './cluster-store.ts'
import type { ResourceType } from './resource-type.ts'
import { selector } from './select.ts'
import { serveWatch } from './serve-watch.ts'

/** What a request is about, as its method and path say it. */
export interface ApiRequest extends AccessQuestion {
  type: ResourceType
  namespace: string
  /** `status`, `log` or empty. */
  part: string
  query: URLSearchParams
}

/** Answers for a part of an object that is not in the store, such as its log. */
export type ServePart = (
  object: ClusterObject,
  asked: ApiRequest,
  response: ServerResponse,
) => Promise<void>

const maxBodyBytes = 3 * 1024 * 1024

/** Null: the path is none of ours. */
export function parseRequest(store: ClusterStore, request: IncomingMessage): ApiRequest | null {
  const url = new URL(request.url ?? '/', 'https://cluster')
  const match =
    /^\/(?:api\/(?<core>v1)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))\/namespaces\/(?<namespace>[^/]+)\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<part>[^/]+))?)?$/.exec(
      url.pathname,
    )?.groups
  if (match === undefined) return null
  const { core, group = '', version = core, namespace = '', plural = '', part = '' } = match
  const type = store.types.get(plural)
  if (type?.group !== group || type.version !== version) return null
  if (part !== '' && !type.subresources.includes(part)) return null
  const name = decodeURIComponent(match.name ?? '')
  const isWatch = ['true', '1'].includes(url.searchParams.get('watch') ?? '')
  const verb = verbOf(request.method ?? '', name !== '', isWatch)
  const resource = part === '' ? plural : `${plural}/${part}`
  return { type, group, namespace, name, part, verb, resource, query: url.searchParams }
}

function verbOf(method: string, isOne: boolean, isWatch: boolean): string {
  if (method === 'GET') return isWatch ? 'watch' : isOne ? 'get' : 'list'
  if (method === 'DELETE') return isOne ? 'delete' : 'deletecollection'
  return { POST: 'create', PUT: 'update', PATCH: 'patch' }[method] ?? 'unknown'
}

/** Does what was asked for, once it is known that it may be. */
export async function serveRequest(
  store: ClusterStore,
  parts: Readonly<Record<string, ServePart>>,
  asked: ApiRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { type, namespace, name, part, query } = asked
  const { plural } = type
  const answer = (code: number, body: unknown) => {
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  switch (asked.verb) {
    case 'watch':
      return serveWatch(store, { type, namespace, query, selects: selector(query) }, response)
    case 'list':
      return answer(200, listOf(store, asked))
    case 'get': {
      const object = store.get(plural, namespace, name)
      const serve = parts[asked.resource]
      return serve === undefined ? answer(200, object) : serve(object, asked, response)
    }
    case 'create': {
      const draft = (await readBody(request)) as unknown as ClusterObject
      checkKind(type, draft)
      return answer(201, store.create(plural, namespace, draft))
    }
    case 'update': {
      const object = (await readBody(request)) as unknown as ClusterObject
      checkKind(type, object)
      return answer(200, store.replace(plural, object, part))
    }
    case 'patch': {
      const how = request.headers['content-type']
      if (how !== 'application/merge-patch+json') {
        throw new StatusError(415, 'UnsupportedMediaType', `this server cannot apply ${how}`)
      }
      const patch = await readBody(request)
      const before = store.get(plural, namespace, name)
      const next = mergePatch(before, patch) as ClusterObject
      // A patch that names no version is of whatever there is.
      const given = (patch.metadata as { resourceVersion?: string } | undefined)?.resourceVersion
      next.metadata.resourceVersion = given ?? ''
      return answer(200, store.replace(plural, next, part))
    }
    case 'delete': {
      const options: DeleteOptions = { ...fromQuery(query), ...(await readBody(request)) }
      return answer(200, store.remove(plural, namespace, name, options))
    }
    default:
      throw new StatusError(405, 'MethodNotAllowed', `${asked.verb} is not served here`)
  }
}

function listOf(store: ClusterStore, { type, namespace, query }: ApiRequest): object {
  const selects = selector(query)
  const all = store.list(type.plural, namespace).filter(selects)
  const begin = Number(query.get('continue') ?? 0)
  const limit = Number(query.get('limit') ?? 0) || all.length
  const items = all.slice(begin, begin + limit)
  const end = begin + items.length
  return {
    kind: `${type.kind}List`,
    apiVersion: type.group === '' ? type.version : `${type.group}/${type.version}`,
    metadata: {
      resourceVersion: String(store.version()),
      ...(end < all.length ? { continue: String(end), remainingItemCount: all.length - end } : {}),
    },
    items,
  }
}

function checkKind(type: ResourceType, { apiVersion, kind }: ClusterObject): void {
  const expected = type.group === '' ? type.version : `${type.group}/${type.version}`
  if (apiVersion === expected && kind === type.kind) return
  throw new StatusError(
    400,
    'BadRequest',
    `the object provided is ${apiVersion} ${kind}, not ${type.kind}`,
  )
}

function fromQuery(query: URLSearchParams): DeleteOptions {
  const policy = query.get('propagationPolicy')
  const grace = query.get('gracePeriodSeconds')
  return {
    ...(policy === null ? {} : { propagationPolicy: policy as 'Background' }),
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
  }
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch
  const isObject = target !== null && typeof target === 'object' && !Array.isArray(target)
  const merged: Record<string, unknown> = isObject ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else if (!isDeepStrictEqual(merged[name], value)) merged[name] = mergePatch(merged[name], value)
  }
  return merged
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes) {
      throw new StatusError(
        413,
        'RequestEntityTooLarge',
        'Request entity too large: limit is 3145728',
      )
    }
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString()
  try {
    return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  } catch {
    throw new StatusError(400, 'BadRequest', 'the body of the request is not JSON')
  }
}
