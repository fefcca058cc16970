import type { ServerResponse } from 'node:http'
import { type ClusterObject, StatusError } from './cluster-object.ts'
import type { ClusterEvent, ClusterStore } from './cluster-store.ts'
import type { ResourceType } from './resource-type.ts'

export interface WatchRequest {
  type: ResourceType
  namespace: string
  query: URLSearchParams
  selects: (object: ClusterObject) => boolean
}

/** Milliseconds between two bookmarks; a real server sends them once a minute. */
const bookmarkMs = 200

/** Tells of changes, one JSON document a line, until the client or the time that it asked for ends it. */
export function serveWatch(
  store: ClusterStore,
  { type, namespace, query, selects }: WatchRequest,
  response: ServerResponse,
): void {
  const isMine = ({ object, plural }: ClusterEvent) =>
    plural === type.plural && object.metadata.namespace === namespace
  const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`
  response.writeHead(200, { 'content-type': 'application/json' })
  const write = (kind: string, object: unknown) =>
    response.write(`${JSON.stringify({ type: kind, object })}\n`)
  const tell = (event: ClusterEvent): void => {
    if (!isMine(event)) return
    const is = selects(event.object)
    const was = event.before !== null && selects(event.before)
    if (event.type === 'DELETED') {
      if (was || is) write('DELETED', event.object)
    } else if (is) write(was ? 'MODIFIED' : 'ADDED', event.object)
    else if (was) write('DELETED', event.object)
  }
  const from = query.get('resourceVersion') ?? ''
  if (from === '' || from === '0') {
    for (const object of store.list(type.plural, namespace))
      if (selects(object)) write('ADDED', object)
  } else if (Number(from) < store.oldest()) {
    const gone = new StatusError(
      410,
      'Expired',
      `too old resource version: ${from} (${store.oldest()})`,
    )
    write('ERROR', gone.toStatus())
    response.end()
    return
  } else store.since(Number(from)).forEach(tell)
  response.flushHeaders()
  const stop = store.listen(tell)
  const bookmarks =
    query.get('allowWatchBookmarks') === 'true'
      ? setInterval(() => {
          const metadata = { resourceVersion: String(store.version()), creationTimestamp: null }
          write('BOOKMARK', { kind: type.kind, apiVersion, metadata })
        }, bookmarkMs)
      : undefined
  const seconds = Number(query.get('timeoutSeconds') ?? 1_800)
  const end = setTimeout(() => response.end(), seconds * 1_000)
  response.once('close', () => {
    stop()
    clearInterval(bookmarks)
    clearTimeout(end)
  })
}
