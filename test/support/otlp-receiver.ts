import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { json } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** A span as it came, its attributes as a plain object. */
export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId: string | null
  name: string
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number
  attributes: Record<string, unknown>
  failed: boolean
}

/** A receiver of OTLP over HTTP, in JSON, on a socket of its own. */
export interface OtlpReceiver {
  readonly url: string
  readonly spans: ReceivedSpan[]
  /** Attributes of the process that sent last. */
  resource(): Record<string, unknown>
  /** Everything that came, as it came. */
  text(): string
  requests(): number
  /** Headers of the last request. */
  headers(): Record<string, unknown>
}

interface Value {
  stringValue?: string
  intValue?: number | string
  boolValue?: boolean
  doubleValue?: number
}
interface Attribute {
  key: string
  value: Value
}
interface Sent {
  resourceSpans: {
    resource: { attributes: Attribute[] }
    scopeSpans: {
      spans: {
        traceId: string
        spanId: string
        parentSpanId?: string
        name: string
        kind: number
        attributes?: Attribute[]
        status?: { code?: number }
      }[]
    }[]
  }[]
}

/** Takes what comes, or does with a request what `respond` says; gone after the test. */
export async function startOtlpReceiver(
  respond: (response: ServerResponse) => void = (response) => void response.end('{}'),
): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const sent: Sent[] = []
  const sockets = new Set<Socket>()
  let resource: Record<string, unknown> = {}
  let headers: Record<string, unknown> = {}
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    ;({ headers } = request)
    response.on('error', () => {})
    json(request).then(
      (body) => {
        sent.push(body as Sent)
        for (const each of (body as Sent).resourceSpans) {
          resource = plain(each.resource.attributes)
          spans.push(...each.scopeSpans.flatMap((scope) => scope.spans.map(toSpan)))
        }
        respond(response)
      },
      () => {},
    )
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    resource: () => resource,
    text: () => JSON.stringify(sent),
    requests: () => requests,
    headers: () => headers,
  }
}

function toSpan(
  span: Sent['resourceSpans'][number]['scopeSpans'][number]['spans'][number],
): ReceivedSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? null,
    name: span.name,
    kind: span.kind,
    attributes: plain(span.attributes ?? []),
    failed: span.status?.code === 2,
  }
}

function plain(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
