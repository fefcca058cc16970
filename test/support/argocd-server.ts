import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'

// The part of Argo CD's API that is asked: its published OpenAPI document, `v1alpha1Application` of
// `GET /api/v1/applications/{name}` and `runtimeError` of everything that is refused.
const Text = Type.Optional(Type.String())
const ApplicationStatus = Type.Object(
  {
    sync: Type.Optional(
      Type.Object(
        { status: Text, revision: Text, revisions: Type.Optional(Type.Array(Type.String())) },
        { additionalProperties: false },
      ),
    ),
    health: Type.Optional(
      Type.Object(
        { status: Text, message: Text, lastTransitionTime: Text },
        { additionalProperties: false },
      ),
    ),
    operationState: Type.Optional(
      Type.Object(
        { phase: Text, message: Text, startedAt: Text, finishedAt: Text },
        { additionalProperties: false },
      ),
    ),
    reconciledAt: Text,
  },
  { additionalProperties: false },
)
export type ApplicationStatus = Static<typeof ApplicationStatus>

/** What it does instead of answering as it should. */
type Fault = 'hang' | 'not json' | 'redirect' | 'error'

/** Stands in for an Argo CD server. */
export interface ArgocdServer {
  readonly url: string
  readonly token: string
  /** Applications by name; one that is not here is refused as the real one does. */
  readonly applications: Map<string, ApplicationStatus>
  /** Paths, with their queries, that were asked for. */
  readonly asked: string[]
  fault: Fault | null
  close(): Promise<void>
}

export async function startArgocdServer(): Promise<ArgocdServer> {
  const token = 'argocd-token-for-tests'
  const argocd: Omit<ArgocdServer, 'url' | 'close'> = {
    token,
    applications: new Map(),
    asked: [],
    fault: null,
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://argocd')
    argocd.asked.push(url.pathname + url.search)
    if (argocd.fault !== null) return misbehave(argocd.fault, response)
    if (request.headers.authorization !== `Bearer ${token}`) {
      return refuse(response, 401, 16, 'no session information')
    }
    const name = /^\/api\/v1\/applications\/([^/]+)$/.exec(url.pathname)?.[1]
    const status = argocd.applications.get(decodeURIComponent(name ?? ''))
    if (name === undefined || request.method !== 'GET') {
      return refuse(response, 404, 5, 'Not Found')
    }
    // It does not say whether there is such an application.
    if (status === undefined) return refuse(response, 403, 7, 'permission denied')
    if (!Value.Check(ApplicationStatus, status)) throw new Error('not an answer of Argo CD')
    answer(response, 200, {
      metadata: { name, namespace: 'argocd' },
      spec: { project: 'default', source: { repoURL: 'x', targetRevision: 'main', path: 'x' } },
      status,
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(argocd, {
    url,
    async close() {
      server.closeAllConnections()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  })
}

function misbehave(fault: Fault, response: ServerResponse): void {
  if (fault === 'error') answer(response, 502, {})
  if (fault === 'not json') response.end('<html>')
  if (fault === 'redirect') response.writeHead(302, { location: '/elsewhere' }).end()
}

function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  answer(response, status, { error: message, code, message })
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
